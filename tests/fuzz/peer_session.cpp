// A session fed with bytes: the handshake, and behind it what a peer that holds the keys may send. The input is a row
// of steps, each begun by one byte: bytes as they are, a sealed frame, a message, a question of our own, or time that
// passes. Nothing may abort, and the handler is told of one end at most.
#include "dht/peer_session.h"

#include <algorithm>
#include <random>

#include "crypto/base/pack.h"

using namespace bae;
using namespace bae::dht;

namespace {

class Seeded final : public crypto::Random {
  public:
    void fill(ByteSpan out) override {
        for (std::byte& b : out) b = static_cast<std::byte>(engine_() & 255);
    }

  private:
    std::mt19937_64 engine_{1};
};

class SinkLink final : public PeerLink {
  public:
    void listen(Listener*) override {}
    void send(ByteView bytes) override {
        CHECK(!closed && bytes.size() <= kMaxSendBytes);
        append(sent, bytes);
        waiting += bytes.size();
    }
    size_t unsent() const override { return waiting; }
    void close(CloseReason) override {
        CHECK(!closed);
        closed = true;
    }
    std::string remote_address() const override { return "fuzz"; }
    PathKind path() const override { return PathKind::tcp; }
    Bytes sent;
    size_t waiting = 0;
    bool closed = false;
};

class Handler final : public PeerHandler {
  public:
    void secured(const Peer&) override {}
    void message(const MessageBody&) override { CHECK(!over); }
    void request(RequestId id, const MessageBody& body) override {
        CHECK(!over && session != nullptr);
        const Now now{0, 0};
        if (const auto* want = std::get_if<Want>(&body); want != nullptr && want->offset == 0) {
            const Bytes bytes(want->length);
            (void)session->answer(id, Object{want->length, bytes}, now);
        } else if (id % 2 == 0) {
            (void)session->answer(id, Refused{Refused::not_found}, now);
        }
    }
    void answer(RequestId, const MessageBody&) override { CHECK(!over); }
    void failed(RequestId, const RequestFailure&) override { CHECK(!over); }
    void closed(const Closing&) override {
        CHECK(!over);
        over = true;
    }
    PeerSession* session = nullptr;
    bool over = false;
};

Offers one_offer(Seeded& random) {
    std::vector<Offer> out(1);
    out[0].secrets.push_back(crypto::SecretKey::random(random));
    return std::make_shared<const std::vector<Offer>>(std::move(out));
}

struct Device {
    explicit Device(Seeded& random) : keys(crypto::DeviceKeys::generate(random)), certificate(issue(random)) {}
    crypto::Certificate issue(Seeded& random) {
        const auto identity = crypto::Identity::from_seed(crypto::SecretKey::random(random));
        crypto::CertificateBody body;
        body.identity = identity.public_key();
        body.device = keys.public_keys();
        body.expires_s = 1000;
        return crypto::Certificate::issue(body, identity, keys);
    }
    crypto::DeviceKeys keys;
    crypto::Certificate certificate;
};

// Made once: an input is about what is said, not about who says it.
const std::pair<Device, Device>& devices() {
    static Seeded random;
    static const std::pair<Device, Device> both{Device(random), Device(random)};
    return both;
}
Offers offer() {
    static Seeded random;
    static const Offers one = one_offer(random);
    return one;
}

class Fuzzed {
  public:
    Fuzzed() {
        const auto all = [](const crypto::LibraryId&, const crypto::Certificate&) { return std::nullopt; };
        session_ =
            PeerSession::accept(link_, handler_, {{&ours_.keys, &ours_.certificate}, offers_, all, &random_}, now_);
        handler_.session = session_.get();
        handshake_.emplace(
            Handshake::initiate({&theirs_.keys, &theirs_.certificate}, offers_, 0, all, random_, to_session_));
    }
    void run(ByteView in) {
        while (!in.empty() && !handler_.over) {
            const auto what = std::to_integer<unsigned>(in[0]);
            in = in.subspan(1);
            const size_t size = std::min<size_t>(in.size(), what >> 3);
            step(what & 7, in.first(size));
            in = in.subspan(size);
        }
    }

  private:
    void step(unsigned what, ByteView bytes) {
        switch (what) {
            case 0:
                return session_->received(bytes, now_);
            case 1:
                return go_on();
            case 2:
                return seal(bytes, crypto::StreamTag::piece);
            case 3:
                return seal(bytes, crypto::StreamTag::final);
            case 4:
                return message(bytes);
            case 5:
                now_.ms += static_cast<int64_t>(bytes.size()) * 5'000;
                return session_->time_passed(now_);
            case 6:
                (void)session_->ask(Want{"x", 0, 1 + static_cast<uint32_t>(bytes.size())}, now_);
                return;
            default:
                link_.waiting = 0;
                return session_->drained(now_);
        }
    }
    // The next honest step of the handshake.
    void go_on() {
        if (sealer_) return;
        session_->received(std::exchange(to_session_, {}), now_);
        ByteView back = link_.sent;
        const auto state = handshake_->receive(back, now_.unix_s, to_session_);
        link_.sent.clear();
        if (state == Handshake::State::secured) sealer_.emplace(std::move(handshake_->take().sealer));
    }
    void seal(ByteView plain, crypto::StreamTag tag) {
        if (!sealer_ || finished_) return;
        finished_ = tag == crypto::StreamTag::final;
        Bytes out(kFrameLengthBytes + plain.size() + crypto::kStreamOverheadBytes);
        write_big_endian(ByteSpan(out).first(kFrameLengthBytes), out.size() - kFrameLengthBytes);
        sealer_->seal(tag, plain, ByteSpan(out).subspan(kFrameLengthBytes));
        session_->received(out, now_);
    }
    void message(ByteView bytes) {
        Bytes plain{std::byte{2}, std::byte{0}};
        append(plain, bytes);
        seal(plain, crypto::StreamTag::piece);
    }

    Seeded random_;
    const Device& ours_ = devices().first;
    const Device& theirs_ = devices().second;
    Offers offers_ = offer();
    Now now_;
    SinkLink link_;
    Handler handler_;
    std::unique_ptr<PeerSession> session_;
    Bytes to_session_;
    std::optional<Handshake> handshake_;
    std::optional<crypto::StreamSealer> sealer_;
    bool finished_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    Fuzzed().run(std::as_bytes(std::span(data, size)));
    return 0;
}
