// What goes over the wire, byte for byte, against tests/vectors/peer.txt, which tests/vectors/peer.py computed apart.
// If one of these fails nodes of different versions no longer understand each other.
#include <gtest/gtest.h>

#include "crypto_vectors/vector_files.h"
#include "dht/frames.h"
#include "dht/handshake.h"
#include "dht/messages.h"

namespace bae::dht {
namespace {

class Given final : public crypto::Random {
  public:
    explicit Given(Bytes bytes) : bytes_(std::move(bytes)) {}
    void fill(ByteSpan out) override {
        ASSERT_LE(at_ + out.size(), bytes_.size());
        std::memcpy(out.data(), bytes_.data() + at_, out.size());
        at_ += out.size();
    }

  private:
    Bytes bytes_;
    size_t at_ = 0;
};

class PeerVectors : public ::testing::Test {
  protected:
    Bytes bytes(const std::string& name) const {
        const auto found = vectors.find(name);
        EXPECT_NE(found, vectors.end()) << name;
        return found == vectors.end() ? Bytes() : hex_decode(found->second).value();
    }
    struct Device {
        crypto::DeviceKeys keys;
        crypto::Certificate certificate;
        Given random;
        Self self() const { return {&keys, &certificate}; }
    };
    Device device(const std::string& name) const {
        Bytes random = bytes(name + ".ephemeral-secret");
        append(random, bytes(name + ".stream-header"));
        return {crypto::DeviceKeys::from_secret(bytes(name + ".device-secret")).value(),
                crypto::Certificate::parse(bytes(name + ".certificate")).value(), Given(random)};
    }
    Offers offer(std::initializer_list<const char*> masters) const {
        std::vector<Offer> out(1);
        out[0].library = crypto::LibraryId::from(bytes("library")).value();
        for (const char* master : masters)
            out[0].secrets.push_back(library_secret(*crypto::EpochMaster::from(bytes(master))));
        return std::make_shared<const std::vector<Offer>>(std::move(out));
    }
    static std::string tell(Handshake& to, ByteView in) {
        Bytes out;
        to.receive(in, 1'700'000'000, out);
        return hex_encode(out);
    }
    std::string text(const char* name) const { return vectors.at(name); }

    const std::map<std::string, std::string> vectors = frozen_vectors("peer.txt");
    const Admission all = [](const crypto::LibraryId&, const crypto::Certificate&) { return std::nullopt; };
};

TEST_F(PeerVectors, Secrets) {
    EXPECT_EQ(hex_encode(library_secret(*crypto::EpochMaster::from(bytes("master.old"))).view()), text("secret.old"));
    Bytes code(16);
    for (size_t i = 0; i < code.size(); i++) code[i] = static_cast<std::byte>(0x33 + i);
    EXPECT_EQ(hex_encode(pairing_secret(code).view()), text("pairing-secret"));
}

TEST_F(PeerVectors, HandshakeAndFrames) {
    Device of_a = device("a");
    Device of_b = device("b");
    Bytes hello;
    Handshake a = Handshake::initiate(of_a.self(), offer({"master.new", "master.old"}), 0, all, of_a.random, hello);
    Handshake b = Handshake::respond(of_b.self(), offer({"master.old"}), all, of_b.random);
    EXPECT_EQ(hex_encode(hello), text("hello.initiator"));
    EXPECT_EQ(tell(b, bytes("hello.initiator")), text("hello.responder"));
    EXPECT_EQ(tell(a, bytes("hello.responder")), text("proof.initiator"));
    EXPECT_EQ(tell(b, bytes("proof.initiator")), text("proof.responder"));
    EXPECT_EQ(tell(a, bytes("proof.responder")), "");
    ASSERT_EQ(a.state(), Handshake::State::secured);
    ASSERT_EQ(b.state(), Handshake::State::secured);

    FrameWriter writer(a.take().sealer, 65000);  // a new key after the first long fragment
    const auto next = [&] {
        Bytes out;
        EXPECT_TRUE(writer.write(out));
        return out;
    };
    writer.queue(Lane::urgent, bytes("message.news"));
    EXPECT_EQ(hex_encode(next()), text("frame.news"));
    Bytes longest(kMaxFragmentBytes + 3);
    for (size_t i = 0; i < longest.size(); i++) longest[i] = static_cast<std::byte>(i * 7 % 256);
    writer.queue(Lane::bulk, longest);
    EXPECT_EQ(crypto::sha256(next()).text(), text("frame.fragment.sha256"));
    EXPECT_EQ(hex_encode(next()), text("frame.last-fragment"));
    writer.queue_credit(Lane::bulk, 262144);
    EXPECT_EQ(hex_encode(next()), text("frame.credit"));
    writer.queue_ping();
    EXPECT_EQ(hex_encode(next()), text("frame.ping"));
    writer.queue_pong();
    EXPECT_EQ(hex_encode(next()), text("frame.pong"));
    Bytes last;
    writer.finish(bytes("message.bye"), last);
    EXPECT_EQ(hex_encode(last), text("frame.bye"));
}

TEST_F(PeerVectors, EveryMessage) {
    const auto written = [](RequestId id, const MessageBody& body) { return hex_encode(*encode_message(id, body)); };
    EXPECT_EQ(written(0, HelloMessage{{1}, {1, 4}}), text("message.hello"));
    EXPECT_EQ(written(0, Heads{{{"heads/0123456789abcdef.enc", as_bytes("head")}}}), text("message.heads"));
    EXPECT_EQ(written(1, Want{"changes/0123456789abcdef/0000000001.enc", 262144, 262144}), text("message.want"));
    EXPECT_EQ(written(1, Object{262149, as_bytes("hello")}), text("message.object"));
    EXPECT_EQ(written(300, List{"changes/", "", 1000}), text("message.list"));
    EXPECT_EQ(written(300, Names{{{"changes/a", 1}, {"changes/b", 70000}}, true}), text("message.names"));
    EXPECT_EQ(written(0, News{}), text("message.news"));
    EXPECT_EQ(written(1, Pair{Pair::Step::request, as_bytes("sealed")}), text("message.pair.request"));
    EXPECT_EQ(written(1, Pair{Pair::Step::answer, as_bytes("sealed")}), text("message.pair.answer"));
    EXPECT_EQ(written(0, Bye{Bye::not_needed}), text("message.bye"));
    EXPECT_EQ(written(70000, Refused{Refused::not_found}), text("message.refused"));
    for (const auto& [name, value] : vectors)
        if (name.starts_with("message.")) {
            EXPECT_TRUE(decode_message(*hex_decode(value)).has_value()) << name;
        }
}

}  // namespace
}  // namespace bae::dht
