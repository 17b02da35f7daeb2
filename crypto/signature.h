#pragma once
// What every signature of the system covers. Signed bytes =
//   "bae-sig-v1" 0x00, then label, library id, path or purpose, certificate hash, SHA-256 of the payload,
//   each with a 4-byte big-endian length.
// The payload is hashed as the bytes received, never re-serialised.
#include "crypto/keys.h"

namespace bae::crypto {

enum class Label {
    object,
    membership,
    head,
    snapshot,
    key,
    certificate_identity,
    certificate_device,
    grant,
    swarm,
    attestation,
    session_initiator,
    session_responder,
    pair
};
std::string_view to_string(Label label);  // "object", ..., "session-i", "session-r", "pair"

struct SignatureContext {
    Label label = Label::object;
    LibraryId library;            // zero where there is none
    std::string_view path;        // or purpose; empty where there is none
    CertificateHash certificate;  // zero inside certificates
};

Bytes signed_bytes(const SignatureContext& context, const Hash256& payload_hash);
Signature sign(const DeviceKeys& keys, const SignatureContext& context, const Hash256& payload_hash);
Signature sign(const Identity& identity, const SignatureContext& context, const Hash256& payload_hash);
bool verify(ByteView ed25519_public_key, const SignatureContext& context, const Hash256& payload_hash,
            const Signature& signature);

}  // namespace bae::crypto
