#pragma once
// Private to this folder. What a handshake computes from both hellos:
//
//   salt = SHA-256(initiator's hello . responder's hello), ikm = X25519(both ephemeral keys) . secret
//   HKDF-SHA256(salt, ikm, "bae-session-v1")      64 bytes: initiator's stream key . responder's stream key
//   HKDF-SHA256(salt, ikm, "bae-session-mac-v1")  64 bytes: initiator's MAC key . responder's MAC key
//
// The proof, the one sealed frame of a handshake in each direction, where the purpose shows certificates:
//
//   proof     := MessagePack [role: 1 initiator, 2 responder; certificate: bin; signature: bin 64; mac: bin 32]
//   signature := by the device key, label "session-i" or "session-r", library, purpose, hash of the own certificate,
//   over
//                initiator's hello, responder's hello, hash of the initiator's certificate, hash of the responder's (32
//                zero bytes in the initiator's, who does not know it), each with a 4-byte big-endian length
//   mac       := HMAC-SHA256(own MAC key, own identity)
//
// and MessagePack [role] elsewhere.
#include <optional>

#include "crypto/certificate.h"
#include "dht/close_reason.h"
#include "dht/hello.h"

namespace bae::dht {

enum class Role : uint8_t { initiator = 1, responder = 2 };
inline Role other(Role role) { return role == Role::initiator ? Role::responder : Role::initiator; }

constexpr size_t kMaxProofBytes = crypto::kMaxCertificateBytes + 128;

SecretName secret_name(ByteView secret, const crypto::EphemeralPublicKey& initiator);

class HandshakeKeys {
  public:
    HandshakeKeys(ByteView initiator_hello, ByteView responder_hello, const crypto::SecretKey& shared, ByteView secret);
    crypto::SecretKey stream_key(Role role) const;
    ByteView mac_key(Role role) const { return half(macs_, role); }

  private:
    static ByteView half(const crypto::SecretBytes& both, Role role) {
        return both.view().subspan(role == Role::initiator ? 0 : 32, 32);
    }
    crypto::SecretBytes streams_{64};
    crypto::SecretBytes macs_{64};
};

// What both proofs are about.
struct Transcript {
    Purpose purpose = Purpose::library;
    crypto::LibraryId library;
    Bytes initiator_hello;
    Bytes responder_hello;
};

struct Proof {
    Role role = Role::initiator;
    Bytes certificate;  // empty where none is shown
    crypto::Signature signature;
    crypto::Hash256 mac;
};
Bytes encode_proof(const Proof& proof, Purpose purpose);
Result<Proof> decode_proof(ByteView bytes, Purpose purpose);

// `initiators` is the initiator's certificate hash, which a responder that proves itself has learnt by then.
Proof make_proof(const Transcript& about, Role role, const crypto::DeviceKeys& device,
                 const crypto::Certificate& certificate, const crypto::CertificateHash& initiators, ByteView mac_key);
// Did the holder of this certificate's device key sign this session in this role, and does it hold the session's key?
bool proves(const Proof& proof, const Transcript& about, const crypto::Certificate& certificate,
            const crypto::CertificateHash& initiators, ByteView mac_key);

}  // namespace bae::dht
