#include "dht/handshake.h"

#include <gtest/gtest.h>

#include "dht/handshake_keys.h"
#include "dht/nodes.h"

namespace bae::dht {
namespace {

using State = Handshake::State;

class HandshakeTest : public ::testing::Test {
  protected:
    SeededRandom random{11};
    Device alice{random};
    Device bob{random};
    Library library{random, 6};

    Handshake dial(const Device& device, Offers what, Bytes& out, Admission admit = everybody()) {
        return Handshake::initiate(device.self(), std::move(what), 0, std::move(admit), random, out);
    }
    Handshake wait_for(const Device& device, Offers what, Admission admit = everybody()) {
        return Handshake::respond(device.self(), std::move(what), std::move(admit), random);
    }
    // Everything `bytes` holds, in one piece.
    static Bytes tell(Handshake& to, ByteView bytes, int64_t now_s = kToday_s) {
        Bytes out;
        to.receive(bytes, now_s, out);
        return out;
    }
    struct Wire {
        Bytes from_initiator;
        Bytes from_responder;
    };
    // Lets both talk until nothing more is said.
    Wire run(Handshake& initiator, Handshake& responder, Bytes first, int64_t now_s = kToday_s) {
        Wire wire;
        for (Bytes there = std::move(first); !there.empty();) {
            append(wire.from_initiator, there);
            const Bytes back = tell(responder, there, now_s);
            append(wire.from_responder, back);
            there = tell(initiator, back, now_s);
        }
        return wire;
    }
    static std::string opened(Secured& from, Secured& to, std::string_view text) {
        Bytes sealed(text.size() + crypto::kStreamOverheadBytes);
        Bytes plain(text.size());
        from.sealer.seal(crypto::StreamTag::piece, as_bytes(text), sealed);
        EXPECT_TRUE(to.opener.open(sealed, plain).has_value());
        return std::string(as_text(plain));
    }
    static void expect_refused(const Handshake& handshake, CloseReason reason) {
        ASSERT_EQ(handshake.state(), State::refused);
        EXPECT_EQ(to_string(handshake.reason()), to_string(reason));
    }
};

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
    EXPECT_EQ(a.state(), State::going);
    EXPECT_EQ(wire.from_responder.size(), kHelloStartBytes + 8);
}

TEST_F(HandshakeTest, TheInitiatorRefusesAResponderThatIsNoMember) {
    Bytes hello;
    Handshake a = dial(alice, offers(library.offer()), hello, members({alice.identity.public_key()}));
    Handshake b = wait_for(bob, offers(library.offer()));
    run(a, b, hello);
    expect_refused(a, CloseReason::not_a_member);
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

// Mallory is a member: she knows the secret. She sits between Alice and Bob and makes a session with each.
class ManInTheMiddle : public HandshakeTest {
  protected:
    struct Half {
        Transcript about;
        HandshakeKeys keys;
    };
    // Mallory's own key and everything she can derive with one of them.
    Half half(const crypto::EphemeralKey& own, const Hello& theirs, ByteView initiator_hello,
              ByteView responder_hello) {
        return {{Purpose::library, library.id, to_bytes(initiator_hello), to_bytes(responder_hello)},
                HandshakeKeys(initiator_hello, responder_hello, *own.agree(theirs.key), secret.view())};
    }
    static Bytes sealed(const HandshakeKeys& keys, Role role, const Proof& proof, SeededRandom& random) {
        const Bytes plain = encode_proof(proof, Purpose::library);
        Bytes body(plain.size() + crypto::kStreamOverheadBytes);
        crypto::StreamSealer sealer(keys.stream_key(role), random);
        sealer.seal(crypto::StreamTag::piece, plain, body);
        Bytes out = to_bytes(sealer.header().view());
        out.push_back(static_cast<std::byte>(body.size() >> 8));
        out.push_back(static_cast<std::byte>(body.size() & 255));
        append(out, body);
        return out;
    }
    static Proof opened(const HandshakeKeys& keys, Role role, ByteView bytes) {
        crypto::StreamHeader header;
        std::memcpy(header.bytes.data(), bytes.data(), 24);
        crypto::StreamOpener opener(keys.stream_key(role), header);
        Bytes plain(bytes.size() - 26 - crypto::kStreamOverheadBytes);
        EXPECT_TRUE(opener.open(bytes.subspan(26), plain).has_value());
        return *decode_proof(plain, Purpose::library);
    }
    crypto::SecretKey secret = library_secret(library.masters[5]);
    Device mallory{random};
    crypto::EphemeralKey to_alice = crypto::EphemeralKey::generate(random);
    crypto::EphemeralKey to_bob = crypto::EphemeralKey::generate(random);
};

TEST_F(ManInTheMiddle, CannotPassOnAnothersProof) {
    Bytes hello;
    Handshake a = dial(alice, offers(library.offer()), hello);
    const Hello of_alice = *decode_hello(hello);
    const Bytes answer = encode_hello({Purpose::library, to_alice.public_key(), {of_alice.names[0]}});
    const Half with_alice = half(to_alice, of_alice, hello, answer);
    const Proof proof = opened(with_alice.keys, Role::initiator, tell(a, answer));
    ASSERT_EQ(proof.certificate, alice.certificate.bytes());

    const Bytes own_hello =
        encode_hello({Purpose::library, to_bob.public_key(), {secret_name(secret.view(), to_bob.public_key())}});
    // Alice's proof as it is; and with the MAC made anew, which Mallory can.
    for (const bool new_mac : {false, true}) {
        Handshake fresh = wait_for(bob, offers(library.offer()));
        const Bytes hello_back = tell(fresh, own_hello);
        const Half session = half(to_bob, *decode_hello(hello_back), own_hello, hello_back);
        Proof passed = proof;
        if (new_mac)
            passed.mac = crypto::hmac_sha256(session.keys.mac_key(Role::initiator), alice.identity.public_key().view());
        EXPECT_TRUE(tell(fresh, sealed(session.keys, Role::initiator, passed, random)).empty());
        expect_refused(fresh, CloseReason::bad_proof);
    }
}

TEST_F(ManInTheMiddle, IsTakenForWhoSheIs) {
    Handshake b = wait_for(bob, offers(library.offer()));
    const Bytes own_hello =
        encode_hello({Purpose::library, to_bob.public_key(), {secret_name(secret.view(), to_bob.public_key())}});
    const Bytes of_bob = tell(b, own_hello);
    const Half session = half(to_bob, *decode_hello(of_bob), own_hello, of_bob);
    const Proof own = make_proof(session.about, Role::initiator, mallory.keys, mallory.certificate, {},
                                 session.keys.mac_key(Role::initiator));
    tell(b, sealed(session.keys, Role::initiator, own, random));
    ASSERT_EQ(b.state(), State::secured);
    EXPECT_EQ(b.take().peer, mallory.certificate);
}

class Forged : public ManInTheMiddle {
  protected:
    // Mallory dials Bob and proves herself with `change` made to what she should say.
    CloseReason refusal(const std::function<void(Proof&, const Half&)>& change) {
        Handshake b = wait_for(bob, offers(library.offer()));
        const Bytes own_hello =
            encode_hello({Purpose::library, to_bob.public_key(), {secret_name(secret.view(), to_bob.public_key())}});
        const Bytes of_bob = tell(b, own_hello);
        const Half session = half(to_bob, *decode_hello(of_bob), own_hello, of_bob);
        Proof proof = make_proof(session.about, Role::initiator, mallory.keys, mallory.certificate, {},
                                 session.keys.mac_key(Role::initiator));
        change(proof, session);
        EXPECT_TRUE(tell(b, sealed(session.keys, Role::initiator, proof, random)).empty());
        EXPECT_EQ(b.state(), State::refused);
        return b.state() == State::refused ? b.reason() : CloseReason::leaving;
    }
    Proof proof_about(Transcript about, Role role, const Half& session) {
        return make_proof(about, role, mallory.keys, mallory.certificate, {}, session.keys.mac_key(Role::initiator));
    }
};

TEST_F(Forged, TheRoleOfTheOtherEndIsRefused) {
    EXPECT_EQ(refusal([&](Proof& proof, const Half&) { proof.role = Role::responder; }), CloseReason::own_role);
}

TEST_F(Forged, ASignatureForAnotherRoleIsRefused) {
    EXPECT_EQ(refusal([&](Proof& proof, const Half& session) {
                  proof = proof_about(session.about, Role::responder, session);
                  proof.role = Role::initiator;
              }),
              CloseReason::bad_proof);
}

TEST_F(Forged, ASignatureForAnotherLibraryIsRefused) {
    EXPECT_EQ(refusal([&](Proof& proof, const Half& session) {
                  Transcript about = session.about;
                  about.library = random.id<crypto::LibraryId>();
                  proof = proof_about(about, Role::initiator, session);
              }),
              CloseReason::bad_proof);
}

TEST_F(Forged, ASignatureForAnotherPurposeIsRefused) {
    EXPECT_EQ(refusal([&](Proof& proof, const Half& session) {
                  Transcript about = session.about;
                  about.purpose = Purpose::grant;
                  proof = proof_about(about, Role::initiator, session);
              }),
              CloseReason::bad_proof);
}

TEST_F(Forged, AMacOverAnotherIdentityOrWithAnotherKeyIsRefused) {
    EXPECT_EQ(refusal([&](Proof& proof, const Half& session) {
                  proof.mac =
                      crypto::hmac_sha256(session.keys.mac_key(Role::initiator), alice.identity.public_key().view());
              }),
              CloseReason::bad_proof);
    EXPECT_EQ(refusal([&](Proof& proof, const Half& session) {
                  proof.mac =
                      crypto::hmac_sha256(session.keys.mac_key(Role::responder), mallory.identity.public_key().view());
              }),
              CloseReason::bad_proof);
}

TEST_F(Forged, AnothersCertificateIsRefused) {
    EXPECT_EQ(refusal([&](Proof& proof, const Half& session) {
                  proof.certificate = alice.certificate.bytes();
                  proof.mac =
                      crypto::hmac_sha256(session.keys.mac_key(Role::initiator), alice.identity.public_key().view());
              }),
              CloseReason::bad_proof);
}

TEST_F(Forged, ABrokenCertificateIsRefused) {
    EXPECT_EQ(refusal([&](Proof& proof, const Half&) {
                  proof.certificate = crypto::with_bit_flipped(proof.certificate, 100);
              }),
              CloseReason::bad_certificate);
}

TEST_F(Forged, AProofThatIsNoneIsRefused) {
    EXPECT_EQ(refusal([&](Proof& proof, const Half&) { proof.certificate.clear(); }), CloseReason::bad_certificate);
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
