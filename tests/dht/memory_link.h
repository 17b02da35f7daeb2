#pragma once
// Two ends of a link in memory and the two sessions on it, driven by one clock and one seed. Bytes arrive in order, in
// pieces of any size, after any delay; the link may be cut between any two bytes.
#include <deque>
#include <map>

#include "dht/nodes.h"

namespace bae::dht {

// Collects what is sent until the network (Pipe) takes it.
class MemoryLink final : public PeerLink {
  public:
    void listen(Listener* listener) override { listener_ = listener; }
    void send(ByteView bytes) override {
        EXPECT_LE(bytes.size(), kMaxSendBytes);
        EXPECT_FALSE(closed) << "bytes after close()";
        append(out, bytes);
        append(all_sent, bytes);
    }
    size_t unsent() const override { return out.size(); }
    void close(CloseReason why) override {
        EXPECT_FALSE(closed) << "closed twice";
        closed = why;
    }
    std::string remote_address() const override { return "192.0.2.1:6881"; }
    PathKind path() const override { return PathKind::lan; }
    Listener* listener() const { return closed ? nullptr : listener_; }

    Bytes out;
    Bytes all_sent;
    std::optional<CloseReason> closed;

  private:
    Listener* listener_ = nullptr;
};

// A handler that writes down what it is told, and answers what it was given to answer with.
class Recorder : public PeerHandler {
  public:
    void secured(const Peer& who) override {
        EXPECT_FALSE(peer.has_value());
        peer = {who.purpose, who.library, who.epoch, who.certificate, who.dialled_by_us};
    }
    void message(const MessageBody& body) override {
        EXPECT_FALSE(end.has_value());
        if (std::holds_alternative<HelloMessage>(body)) hellos.push_back(std::get<HelloMessage>(body));
        if (std::holds_alternative<News>(body)) news++;
        if (const auto* got = std::get_if<Heads>(&body))
            for (const HeadObject& head : got->heads) heads[std::string(head.path)] = to_bytes(head.bytes);
    }
    void request(RequestId id, const MessageBody& body) override {
        EXPECT_FALSE(end.has_value());
        if (on_request) on_request(id, body);
    }
    void answer(RequestId id, const MessageBody& body) override {
        EXPECT_FALSE(end.has_value());
        answers[id] = *encode_message(id, body);
        if (on_answer) on_answer(id, body);
    }
    void failed(RequestId id, const RequestFailure& failure) override {
        EXPECT_FALSE(end.has_value());
        EXPECT_FALSE(failures.contains(id));
        failures[id] = failure;
    }
    void closed(const Closing& closing) override {
        EXPECT_FALSE(end.has_value()) << "closed twice";
        end = closing;
    }

    std::optional<Peer> peer;
    std::vector<HelloMessage> hellos;
    int news = 0;
    std::map<std::string, Bytes> heads;
    std::map<RequestId, Bytes> answers;
    std::map<RequestId, RequestFailure> failures;
    std::optional<Closing> end;
    std::function<void(RequestId, const MessageBody&)> on_request;
    std::function<void(RequestId, const MessageBody&)> on_answer;
};

// One end: link, handler and session, which the link's events drive with the time of the simulation.
class End final : public PeerLink::Listener {
  public:
    explicit End(const Now& now) : now_(now) { link.listen(this); }
    void dial(SessionSetup setup, size_t offer = 0) {
        session = PeerSession::dial(link, recorder, std::move(setup), offer, now_);
    }
    void accept(SessionSetup setup) { session = PeerSession::accept(link, recorder, std::move(setup), now_); }
    void bytes(ByteView in) override { session->received(in, now_); }
    void drained() override { session->drained(now_); }
    void lost() override { session->lost(now_); }
    bool is_open() const { return session->is_secured(); }
    std::string ended() const {
        return recorder.end ? std::string(to_string(recorder.end->reason)) : std::string("open");
    }

    MemoryLink link;
    Recorder recorder;
    std::unique_ptr<PeerSession> session;

  private:
    const Now& now_;
};

class Conversation {
  public:
    explicit Conversation(uint64_t seed) : random(seed) {}

    // Moves everything there is, in pieces of random sizes, until neither end sends any more.
    void settle() {
        while (step()) {
        }
    }
    // One piece in each direction; false if there was none.
    bool step() {
        const bool there = move(a, b);
        return move(b, a) || there;
    }
    bool move(End& from, End& to) {
        if (from.link.out.empty()) {
            if (!from.link.closed || !to.link.listener()) return false;
            to.link.listener()->lost();
            return true;
        }
        const size_t size = 1 + random.below(std::min<size_t>(from.link.out.size(), largest_piece));
        const Bytes piece(from.link.out.begin(), from.link.out.begin() + static_cast<std::ptrdiff_t>(size));
        from.link.out.erase(from.link.out.begin(), from.link.out.begin() + static_cast<std::ptrdiff_t>(size));
        if (to.link.listener()) to.link.listener()->bytes(piece);
        if (from.link.listener()) from.link.listener()->drained();
        return true;
    }
    void cut() {
        for (End* end : {&a, &b}) {
            end->link.out.clear();
            if (end->link.listener()) end->link.listener()->lost();
        }
    }
    void pass(int64_t ms) {
        now.ms += ms;
        now.unix_s = kToday_s + now.ms / 1000;
        for (End* end : {&a, &b})
            if (end->session) end->session->time_passed(now);
    }

    Now now{1'000'000, kToday_s};
    SeededRandom random;
    size_t largest_piece = 100'000;
    End a{now};
    End b{now};
};

}  // namespace bae::dht
