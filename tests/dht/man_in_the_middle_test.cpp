// Members who lie: a proof passed on, or made about something else.
#include "dht/handshake_fixture.h"
#include "dht/messages.h"

namespace bae::dht {
namespace {

using State = Handshake::State;

constexpr size_t kNoCertificate = 60;  // bytes in which a goodbye fits, and no certificate

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
        EXPECT_LT(tell(fresh, sealed(session.keys, Role::initiator, passed, random)).size(), kNoCertificate);
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
        EXPECT_LT(tell(b, sealed(session.keys, Role::initiator, proof, random)).size(), kNoCertificate);
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

}  // namespace
}  // namespace bae::dht
