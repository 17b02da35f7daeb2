#include "dht/handshake.h"

#include "dht/handshake_fixture.h"
#include "dht/messages.h"

namespace bae::dht {
namespace {

using State = Handshake::State;

TEST_F(HandshakeTest, MakesTwoDevicesOfALibrarySureOfEachOther) {
    Bytes hello;
    Handshake a = dial(alice, offers(library.offer()), hello);
    Handshake b = wait_for(bob, offers(discovery_offer(), library.offer()));
    run(a, b, hello);
    ASSERT_EQ(a.state(), State::secured);
    ASSERT_EQ(b.state(), State::secured);
    Secured at_a = a.take();
    Secured at_b = b.take();
    EXPECT_EQ(at_a.peer, bob.certificate);
    EXPECT_EQ(at_b.peer, alice.certificate);
    EXPECT_EQ(at_a.library, library.id);
    EXPECT_EQ(at_b.library, library.id);
    EXPECT_EQ(opened(at_a, at_b, "there"), "there");
    EXPECT_EQ(opened(at_b, at_a, "back"), "back");
}

TEST_F(HandshakeTest, WorksByteByByteAndLeavesWhatFollowsIt) {
    Bytes hello;
    Handshake a = dial(alice, offers(library.offer()), hello);
    Handshake b = wait_for(bob, offers(library.offer()));
    Bytes to_a, to_b = hello;
    while (!to_a.empty() || !to_b.empty()) {
        for (const std::byte byte : std::exchange(to_b, {})) {
            ByteView one(&byte, 1);
            b.receive(one, kToday_s, to_a);
            EXPECT_TRUE(one.empty());
        }
        for (const std::byte byte : std::exchange(to_a, {})) {
            ByteView one(&byte, 1);
            a.receive(one, kToday_s, to_b);
            EXPECT_TRUE(one.empty());
        }
    }
    EXPECT_EQ(a.state(), State::secured);
    EXPECT_EQ(b.state(), State::secured);
    ByteView after = as_bytes("what follows");
    Bytes out;
    b.receive(after, kToday_s, out);
    EXPECT_EQ(as_text(after), "what follows");
}

TEST_F(HandshakeTest, TakesTheNewestEpochBothKnow) {
    struct Case {
        size_t a_oldest, a_newest, b_oldest, b_newest, a_epoch, b_epoch;
    };
    for (const Case& c : {Case{0, 5, 0, 5, 0, 0}, Case{0, 3, 0, 5, 0, 2}, Case{0, 5, 0, 3, 2, 0}}) {
        Bytes hello;
        Handshake a = dial(alice, offers(library.offer(c.a_oldest, c.a_newest)), hello);
        Handshake b = wait_for(bob, offers(library.offer(c.b_oldest, c.b_newest)));
        run(a, b, hello);
        ASSERT_EQ(a.state(), State::secured);
        EXPECT_EQ(a.take().epoch, c.a_epoch);
        EXPECT_EQ(b.take().epoch, c.b_epoch);
    }
}

TEST_F(HandshakeTest, FourEpochsBackIsTooOld) {
    Bytes hello;
    Handshake a = dial(alice, offers(library.offer(0, 1)), hello);
    Handshake b = wait_for(bob, offers(library.offer(0, 5)));
    EXPECT_TRUE(tell(b, hello).empty());
    expect_refused(b, CloseReason::unknown_secret);
}

TEST_F(HandshakeTest, FindsTheLibraryThatIsMeantAmongSeveral) {
    const Library other(random, 2);
    Bytes hello;
    Handshake a = dial(alice, offers(library.offer()), hello);
    Handshake b = wait_for(bob, offers(other.offer(), library.offer()));
    run(a, b, hello);
    ASSERT_EQ(b.state(), State::secured);
    EXPECT_EQ(b.take().library, library.id);
}

TEST_F(HandshakeTest, PairingNeedsTheCodeAndNobodysCertificate) {
    Bytes hello;
    Handshake a = Handshake::initiate({}, offers(pairing_offer("a code")), 0, everybody(), random, hello);
    Handshake b = wait_for(bob, offers(library.offer(), pairing_offer("a code")));
    const Wire wire = run(a, b, hello);
    ASSERT_EQ(a.state(), State::secured);
    ASSERT_EQ(b.state(), State::secured);
    EXPECT_FALSE(a.take().peer.has_value());
    EXPECT_FALSE(b.take().peer.has_value());
    EXPECT_EQ(wire.from_responder.size(), wire.from_initiator.size());

    Handshake other = wait_for(bob, offers(pairing_offer("another code")));
    EXPECT_TRUE(tell(other, hello).empty());
    expect_refused(other, CloseReason::unknown_secret);
}

TEST_F(HandshakeTest, DiscoveryStaysAnonymous) {
    Bytes hello;
    Handshake a = dial(alice, offers(discovery_offer()), hello);
    Handshake b = wait_for(bob, offers(discovery_offer(), library.offer()));
    const Wire wire = run(a, b, hello);
    ASSERT_EQ(a.state(), State::secured);
    ASSERT_EQ(b.state(), State::secured);
    EXPECT_FALSE(a.take().peer.has_value());
    // hello, stream header, length, [role]: there is no room for a certificate
    EXPECT_EQ(wire.from_responder.size(), kHelloStartBytes + 24 + 2 + 17 + 2);
}

TEST_F(HandshakeTest, AStrangerLearnsNothingAndCostsNothing) {
    const Library strangers(random);
    Bytes hello;
    Handshake stranger = dial(alice, offers(strangers.offer()), hello);
    Handshake b = wait_for(bob, offers(library.offer(), discovery_offer()));
    EXPECT_TRUE(tell(b, hello).empty()) << "not one byte";
    expect_refused(b, CloseReason::unknown_secret);
}

// The stranger replays a name it saw, so that the responder speaks; it then cannot open nor prove anything.
TEST_F(HandshakeTest, WhoReplaysAHelloLearnsNoIdentity) {
    Bytes hello;
    Handshake a = dial(alice, offers(library.offer()), hello);
    Handshake first = wait_for(bob, offers(library.offer()));
    const Wire recorded = run(a, first, hello);
    ASSERT_EQ(first.state(), State::secured);

    Handshake again = wait_for(bob, offers(library.offer()));
    const Bytes answer = tell(again, recorded.from_initiator);
    EXPECT_EQ(answer.size(), kHelloStartBytes + 8) << "its hello and nothing else";
    EXPECT_FALSE(contains(answer, bob.identity.public_key().view()));
    EXPECT_FALSE(contains(answer, bob.keys.public_keys().signing.view()));
    expect_refused(again, CloseReason::not_opened);
}

TEST_F(HandshakeTest, WhoAnswersWithoutTheSecretLearnsNoIdentity) {
    Bytes hello;
    Handshake a = dial(alice, offers(library.offer()), hello);
    // The stranger on the day key repeats one of the names it was told, with a key of its own.
    const Hello heard = *decode_hello(hello);
    const auto key = crypto::EphemeralKey::generate(random);
    const Bytes answer = encode_hello({Purpose::library, key.public_key(), {heard.names[1]}});
    Bytes wire = hello;
    append(wire, tell(a, answer));
    ASSERT_GT(wire.size(), hello.size()) << "the initiator proves itself first";
    EXPECT_FALSE(contains(wire, alice.identity.public_key().view()));
    EXPECT_FALSE(contains(wire, alice.keys.public_keys().signing.view()));
    EXPECT_FALSE(contains(wire, alice.certificate.hash().view()));
    // All that the stranger has, the secret apart, does not open it.
    const auto shared = *key.agree(heard.key);
    for (const ByteView guess : {ByteView(), heard.names[1].view(), library.id.view()}) {
        const HandshakeKeys keys(hello, answer, shared, guess);
        const ByteView sealed = ByteView(wire).subspan(hello.size());
        crypto::StreamHeader header;
        std::memcpy(header.bytes.data(), sealed.data(), 24);
        crypto::StreamOpener opener(keys.stream_key(Role::initiator), header);
        Bytes plain(sealed.size() - 26 - crypto::kStreamOverheadBytes);
        EXPECT_FALSE(opener.open(sealed.subspan(26), plain).has_value());
    }
}

TEST_F(HandshakeTest, NeitherIdentityIsEverInClear) {
    Bytes hello;
    Handshake a = dial(alice, offers(library.offer()), hello);
    Handshake b = wait_for(bob, offers(library.offer()));
    const Wire wire = run(a, b, hello);
    for (const Device* device : {&alice, &bob}) {
        for (const ByteView name :
             {device->identity.public_key().view(), device->keys.public_keys().signing.view(),
              device->keys.public_keys().sealing.view(), device->certificate.hash().view(), library.id.view()}) {
            EXPECT_FALSE(contains(wire.from_initiator, name));
            EXPECT_FALSE(contains(wire.from_responder, name));
        }
    }
}

TEST_F(HandshakeTest, TheResponderShowsNothingBeforeItAcceptedTheInitiator) {
    Bytes hello;
    Handshake a = dial(alice, offers(library.offer()), hello);
    Handshake b = wait_for(bob, offers(library.offer()), members({bob.identity.public_key()}));
    const Wire wire = run(a, b, hello);
    expect_refused(b, CloseReason::not_a_member);
    // its hello, then stream header and one sealed goodbye: kind, lane, [16, 0, reason]
    EXPECT_EQ(wire.from_responder.size(), kHelloStartBytes + 8 + 24 + 2 + 17 + 2 + 4);
    expect_refused(a, CloseReason::peer_left);
    EXPECT_EQ(a.bye(), Bye::not_a_member);
}

TEST_F(HandshakeTest, TheInitiatorRefusesAResponderThatIsNoMember) {
    Bytes hello;
    Handshake a = dial(alice, offers(library.offer()), hello, members({alice.identity.public_key()}));
    Handshake b = wait_for(bob, offers(library.offer()));
    const Wire wire = run(a, b, hello);
    expect_refused(a, CloseReason::not_a_member);
    ASSERT_EQ(b.state(), State::secured) << "it learns of it by the first frame of the session";
    const Bytes last = to_bytes(ByteView(wire.from_initiator).last(2 + 17 + 2 + 4));
    Bytes plain(2 + 4);
    EXPECT_EQ(b.take().opener.open(ByteView(last).subspan(2), plain).value(), crypto::StreamTag::final);
    EXPECT_EQ(std::get<Bye>(decode_message(ByteView(plain).subspan(2))->body).reason, Bye::not_a_member);
}

TEST_F(HandshakeTest, AnExpiredCertificateIsRefusedByTheClockThatIsPassedIn) {
    for (const bool at_responder : {true, false}) {
        const Device old(random, kToday_s);
        const Device& initiator = at_responder ? old : alice;
        const Device& responder = at_responder ? bob : old;
        for (const int64_t now_s : {kToday_s, kToday_s + 1}) {
            Bytes hello;
            Handshake a = dial(initiator, offers(library.offer()), hello);
            Handshake b = wait_for(responder, offers(library.offer()));
            run(a, b, hello, now_s);
            Handshake& judge = at_responder ? b : a;
            if (now_s == kToday_s)
                EXPECT_EQ(judge.state(), State::secured);
            else
                expect_refused(judge, CloseReason::certificate_expired);
            if (at_responder && now_s > kToday_s) {
                expect_refused(a, CloseReason::peer_left);
                EXPECT_EQ(a.bye(), Bye::certificate_expired) << "so that its person can be told";
            }
        }
    }
}

TEST_F(HandshakeTest, ANodeThatReachesItselfNotices) {
    Bytes hello;
    Handshake a = dial(alice, offers(library.offer()), hello);
    Handshake b = wait_for(alice, offers(library.offer()));
    run(a, b, hello);
    expect_refused(b, CloseReason::own_certificate);
}

TEST_F(HandshakeTest, AReflectedHelloIsRefused) {
    Bytes hello;
    Handshake a = dial(alice, offers(discovery_offer()), hello);
    EXPECT_TRUE(tell(a, hello).empty());
    expect_refused(a, CloseReason::reflected);
}

TEST_F(HandshakeTest, AReflectedFrameDoesNotOpen) {
    Bytes hello;
    Handshake a = dial(alice, offers(library.offer()), hello);
    Handshake b = wait_for(bob, offers(library.offer()));
    const Bytes proof = tell(a, tell(b, hello));
    ASSERT_FALSE(proof.empty());
    tell(a, proof);
    expect_refused(a, CloseReason::not_opened);
}

TEST_F(HandshakeTest, TwoThatBothDialledDoNotUnderstandEachOther) {
    Bytes hello_a, hello_b;
    Handshake a = dial(alice, offers(library.offer()), hello_a);
    Handshake b = dial(bob, offers(library.offer()), hello_b);
    tell(a, hello_b);
    tell(b, hello_a);
    expect_refused(a, CloseReason::unknown_secret);
    expect_refused(b, CloseReason::unknown_secret);
}

TEST_F(HandshakeTest, APurposeThatIsNotOfferedIsRefusedWithoutAnAnswer) {
    Bytes hello;
    Handshake a = dial(alice, offers(discovery_offer()), hello);
    Handshake b = wait_for(bob, offers(library.offer()));
    EXPECT_TRUE(tell(b, hello).empty());
    expect_refused(b, CloseReason::purpose_not_offered);
}

TEST_F(HandshakeTest, ALowOrderKeyIsRefusedByBothEnds) {
    const crypto::EphemeralPublicKey zero;
    Handshake b = wait_for(bob, offers(discovery_offer()));
    EXPECT_TRUE(tell(b, encode_hello({Purpose::discovery, zero, {}})).empty());
    expect_refused(b, CloseReason::weak_key);
    Bytes hello;
    Handshake a = dial(alice, offers(discovery_offer()), hello);
    tell(a, encode_hello({Purpose::discovery, zero, {}}));
    expect_refused(a, CloseReason::weak_key);
}

TEST_F(HandshakeTest, ANewerVersionIsToldApart) {
    Bytes hello;
    Handshake a = dial(alice, offers(library.offer()), hello);
    hello[0] = std::byte{2};
    Handshake b = wait_for(bob, offers(library.offer()));
    tell(b, hello);
    expect_refused(b, CloseReason::newer_version);
}

TEST_F(HandshakeTest, EveryFlippedBitOnTheWayIsNoticed) {
    const auto stands = [&](size_t flip_there, size_t flip_back) {
        Bytes hello;
        SeededRandom same(5);
        Handshake a = Handshake::initiate(alice.self(), offers(library.offer()), 0, everybody(), same, hello);
        Handshake b = Handshake::respond(bob.self(), offers(library.offer()), everybody(), same);
        size_t there_at = 0, back_at = 0;
        for (Bytes there = hello; !there.empty();) {
            if (flip_there / 8 >= there_at && flip_there / 8 < there_at + there.size())
                there = crypto::with_bit_flipped(there, flip_there - there_at * 8);
            there_at += there.size();
            Bytes back = tell(b, there);
            if (flip_back / 8 >= back_at && flip_back / 8 < back_at + back.size())
                back = crypto::with_bit_flipped(back, flip_back - back_at * 8);
            back_at += back.size();
            there = tell(a, back);
        }
        return a.state() == State::secured && b.state() == State::secured;
    };
    constexpr size_t kNever = SIZE_MAX / 2;
    ASSERT_TRUE(stands(kNever, kNever));
    // Both hellos whole, then the stream header, the length and some of each sealed frame.
    for (size_t bit = 0; bit < (67 + 24 + 2 + 8) * 8; bit++) EXPECT_FALSE(stands(bit, kNever)) << "there, bit " << bit;
    for (size_t bit = 0; bit < (43 + 24 + 2 + 8) * 8; bit++) EXPECT_FALSE(stands(kNever, bit)) << "back, bit " << bit;
}

TEST_F(HandshakeTest, AFrameLongerThanAProofCanBeIsRefusedBeforeItIsRead) {
    for (const size_t length : {size_t{0}, size_t{17}, kMaxProofBytes + 18, size_t{65535}}) {
        Bytes hello;
        Handshake a = dial(alice, offers(library.offer()), hello);
        Handshake b = wait_for(bob, offers(library.offer()));
        tell(b, hello);
        Bytes bytes(24);
        bytes.push_back(static_cast<std::byte>(length >> 8));
        bytes.push_back(static_cast<std::byte>(length & 255));
        tell(b, bytes);
        expect_refused(b, CloseReason::malformed);
    }
}

TEST_F(HandshakeTest, RandomBytesAreRefusedOrWaitedFor) {
    for (int i = 0; i < 2000; i++) {
        Handshake b = wait_for(bob, offers(library.offer(), discovery_offer()));
        Bytes noise = random.bytes(200);
        if (i % 2 == 0) noise[0] = std::byte{1};
        if (i % 4 == 0) noise[1] = std::byte{1};
        tell(b, noise);
        EXPECT_NE(b.state(), State::secured);
    }
}

}  // namespace
}  // namespace bae::dht
