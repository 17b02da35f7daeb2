// Two nodes that replicate each other's objects over a link that splits what it carries, delays it, is cut at any byte
// and is dialled again, by one of them or by both at once. Whatever happens, everything arrives, byte for byte.
#include <gtest/gtest.h>

#include "dht/memory_link.h"
#include "property/seeds.h"

namespace bae::dht {
namespace {

// A node with objects: what it has, what it misses of the other, and how far each of those has come.
struct Node {
    explicit Node(SeededRandom& random) : device(random) {}
    Device device;
    std::map<std::string, Bytes> own;
    std::map<std::string, Bytes> fetched;                     // whole
    std::map<std::string, Bytes> parts;                       // begun
    std::map<std::string, std::map<uint64_t, Bytes>> ranges;  // arrived out of order
    std::map<std::string, Bytes> heads;
    uint64_t objects_resumed = 0;
};

class Replication final : public PeerHandler, public PeerLink::Listener {
  public:
    Replication(Node& node, SeededRandom& random, const Now& now, Offers what)
        : node_(node), random_(random), now_(now) {
        link.listen(this);
        setup_ = {node.device.self(), std::move(what), everybody(), &random};
    }
    void dial() { session = PeerSession::dial(link, *this, setup_, 0, now_); }
    void accept() { session = PeerSession::accept(link, *this, setup_, now_); }

    void bytes(ByteView in) override { session->received(in, now_); }
    void drained() override { session->drained(now_); }
    void lost() override { session->lost(now_); }

    void secured(const Peer&) override { list(""); }
    void message(const MessageBody& body) override {
        if (const auto* heads = std::get_if<Heads>(&body))
            for (const HeadObject& head : heads->heads) node_.heads[std::string(head.path)] = to_bytes(head.bytes);
    }
    void request(RequestId id, const MessageBody& body) override {
        if (random_.below(4) == 0) {
            later_.emplace_back(id, *encode_message(1, body));
            return;
        }
        serve(id, body);
    }
    void answer(RequestId id, const MessageBody& body) override {
        if (const auto* names = std::get_if<Names>(&body)) return listed(*names);
        const auto [path, offset] = asked_.at(id);
        asked_.erase(id);
        const auto& object = std::get<Object>(body);
        node_.ranges[path][offset] = to_bytes(object.bytes);
        join(path, object.size);
        ask_on();
    }
    void failed(RequestId id, const RequestFailure& failure) override {
        EXPECT_NE(failure.kind, RequestFailure::Kind::refused);
        if (asked_.erase(id) == 0) listing_ = false;
    }
    void closed(const Closing& closing) override { end = closing; }

    // What a node does without being asked: answer what it put off, go on asking.
    void work() {
        if (!session->is_secured()) return;
        for (auto& [id, raw] : std::exchange(later_, {})) serve(id, decode_message(raw)->body);
        if (!listing_ && asked_.empty()) list("");
        ask_on();
    }

    MemoryLink link;
    std::unique_ptr<PeerSession> session;
    std::optional<Closing> end;

  private:
    void serve(RequestId id, const MessageBody& body) {
        if (const auto* want = std::get_if<Want>(&body)) {
            const Bytes& object = node_.own.at(std::string(want->path));
            const size_t from = std::min<size_t>(want->offset, object.size());
            const size_t size = std::min<size_t>(want->length, object.size() - from);
            (void)session->answer(id, Object{object.size(), ByteView(object).subspan(from, size)}, now_);
            return;
        }
        const auto& list = std::get<List>(body);
        Names names;
        for (auto at = node_.own.upper_bound(std::string(list.after)); at != node_.own.end(); ++at) {
            if (names.names.size() == list.limit) {
                names.more = true;
                break;
            }
            names.names.push_back({at->first, at->second.size()});
        }
        (void)session->answer(id, names, now_);
    }
    void list(const std::string& after) {
        listing_ = session->ask(List{"", after, static_cast<uint32_t>(1 + random_.below(10))}, now_).has_value();
    }
    void listed(const Names& names) {
        listing_ = false;
        for (const Name& name : names.names) {
            const std::string path(name.path);
            if (!node_.fetched.contains(path) && !node_.parts.contains(path)) node_.parts[path];
        }
        if (names.more) list(std::string(names.names.back().path));
        ask_on();
    }
    void ask_on() {
        if (!session->is_secured()) return;
        std::map<std::string, bool> under_way;
        for (const auto& [id, what] : asked_) under_way[what.first] = true;
        for (const auto& [path, part] : node_.parts) {
            if (asked_.size() >= 6) return;
            if (under_way.contains(path)) continue;
            if (!part.empty() && first_use_.insert({path, true}).second) node_.objects_resumed++;
            first_use_.insert({path, true});
            const uint64_t offset = part.size();
            const auto length = static_cast<uint32_t>(1 + random_.below(kMaxRangeBytes));
            const auto id = session->ask(Want{path, offset, length}, now_);
            if (!id) return;
            asked_[*id] = {path, offset};
        }
    }
    void join(const std::string& path, uint64_t size) {
        auto& ranges = node_.ranges[path];
        Bytes& part = node_.parts[path];
        for (const auto& [offset, bytes] : ranges)
            if (offset == part.size()) append(part, bytes);
        ranges.clear();
        if (part.size() < size) return;
        node_.fetched[path] = std::move(part);
        node_.parts.erase(path);
    }

    Node& node_;
    SeededRandom& random_;
    const Now& now_;
    SessionSetup setup_;
    bool listing_ = false;
    std::map<RequestId, std::pair<std::string, uint64_t>> asked_;
    std::map<std::string, bool> first_use_;
    std::vector<std::pair<RequestId, Bytes>> later_;
};

struct Wire {
    std::unique_ptr<Replication> one;
    std::unique_ptr<Replication> two;
    bool over() const { return one->end && two->end; }
};

class World {
  public:
    explicit World(uint64_t seed) : random_(seed), one_(random_), two_(random_), library_(random_, 2) {
        for (Node* node : {&one_, &two_}) {
            const size_t count = random_.below(12);
            for (size_t i = 0; i < count; i++)
                node->own[(node == &one_ ? "one/" : "two/") + std::to_string(i)] =
                    random_.bytes(random_.below(3) == 0 ? random_.below(700'000) : random_.below(3000));
        }
    }

    void run() {
        for (int step = 0; step < 600; step++) misbehave();
        calm_ = true;
        for (int step = 0; step < 100'000 && !done(); step++) misbehave();
    }
    bool done() const { return one_.fetched.size() == two_.own.size() && two_.fetched.size() == one_.own.size(); }
    void check() const {
        EXPECT_EQ(one_.fetched, two_.own);
        EXPECT_EQ(two_.fetched, one_.own);
        for (const auto& [path, head] : one_.heads) EXPECT_EQ(head, head_of(path));
        for (const auto& [path, head] : two_.heads) EXPECT_EQ(head, head_of(path));
        for (size_t i = 0; i < kCloseReasons; i++) {
            const auto reason = static_cast<CloseReason>(i);
            if (reason == CloseReason::link_lost || reason == CloseReason::peer_left ||
                reason == CloseReason::not_needed || reason == CloseReason::handshake_timeout ||
                reason == CloseReason::silent)
                continue;
            EXPECT_EQ(ended.of(reason), 0U) << to_string(reason);
        }
    }
    uint64_t resumed() const { return one_.objects_resumed + two_.objects_resumed; }

    CloseCounts ended;
    int dialled = 0;

  private:
    static Bytes head_of(std::string_view path) { return to_bytes(crypto::sha256(as_bytes(path)).view()); }

    void misbehave() {
        reap();
        const uint64_t what = random_.below(100);
        if (wires_.empty() || (!calm_ && what == 0 && wires_.size() < 3)) return dial();
        Wire& wire = wires_[random_.below(wires_.size())];
        if (!calm_ && what == 1) return cut(wire);
        if (what < 4) return pass(static_cast<int64_t>(random_.below(calm_ ? 50 : 5000)));
        if (what < 6) return say_something(wire);
        if (!calm_ && what == 6 && wires_.size() > 1) return wire.one->session->close(CloseReason::not_needed, now_);
        if (what < 12) return wire.one->work(), wire.two->work();
        const bool there = random_.below(2) == 0;
        move(there ? *wire.one : *wire.two, there ? *wire.two : *wire.one);
    }
    void dial() {
        dialled++;
        Wire wire;
        // They may know different epochs, but always one in common.
        wire.one = std::make_unique<Replication>(one_, random_, now_, offers(library_.offer(random_.below(2), 1)));
        wire.two = std::make_unique<Replication>(two_, random_, now_, offers(library_.offer(0, 1)));
        const bool there = random_.below(2) == 0;
        (there ? wire.two : wire.one)->accept();
        (there ? wire.one : wire.two)->dial();
        wires_.push_back(std::move(wire));
    }
    void move(Replication& from, Replication& to) {
        Bytes& out = from.link.out;
        if (out.empty()) {
            if (from.link.closed && to.link.listener()) to.link.listener()->lost();
            return;
        }
        const size_t most = random_.below(2) == 0 ? 100 : 200'000;
        const size_t size = 1 + random_.below(std::min(out.size(), most));
        const Bytes piece(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(size));
        out.erase(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(size));
        if (to.link.listener()) to.link.listener()->bytes(piece);
        if (from.link.listener()) from.link.listener()->drained();
    }
    static void cut(Wire& wire) {
        for (Replication* end : {wire.one.get(), wire.two.get()})
            if (end->link.listener()) end->link.listener()->lost();
    }
    void pass(int64_t ms) {
        now_.ms += ms;
        for (Wire& wire : wires_)
            for (Replication* end : {wire.one.get(), wire.two.get()}) end->session->time_passed(now_);
    }
    void say_something(Wire& wire) {
        const std::string path = "heads/" + std::to_string(random_.below(5));
        const Bytes head = head_of(path);
        const MessageBody heads = Heads{{{path, head}}};
        (void)wire.one->session->send(heads, now_);
        (void)wire.two->session->send(News{}, now_);
    }
    void reap() {
        for (const Wire& wire : wires_) {
            if (!wire.over()) continue;
            ended.add(wire.one->end->reason);
            ended.add(wire.two->end->reason);
        }
        std::erase_if(wires_, [](const Wire& wire) { return wire.over(); });
    }

    Now now_{5'000'000, kToday_s};
    SeededRandom random_;
    Node one_;
    Node two_;
    Library library_;
    std::vector<Wire> wires_;
    bool calm_ = false;
};

TEST(Simulation, EverythingArrivesWhateverHappensToTheLinks) {
    uint64_t resumed = 0;
    uint64_t lost = 0;
    for (const uint64_t seed : property::seeds(60)) {
        SCOPED_TRACE("BAE_SEED=" + std::to_string(seed));
        World world(seed);
        world.run();
        world.check();
        resumed += world.resumed();
        lost += world.ended.of(CloseReason::link_lost);
        if (::testing::Test::HasFailure()) return;
    }
    if (std::getenv("BAE_SEED") != nullptr) return;
    EXPECT_GT(resumed, 10U) << "the links are too good to test resuming";
    EXPECT_GT(lost, 50U);
}

}  // namespace
}  // namespace bae::dht
