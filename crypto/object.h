#pragma once
// Sealed, signed objects: the one format of everything but blobs.
//
//   object := "BAE" kind(1) version(1) key-id(32) nonce(16) | chunks | certificate hash(32) signature(64)
//
// Each chunk is 65,520 bytes of plaintext (the last one 1 to 65,520, or 0 if the whole is empty) sealed with
// XChaCha20-Poly1305 to + 16 bytes.
//   object key  = HKDF-SHA256(master, salt = library salt, "bae-object-v1:" + kind name)
//   nonce       = first 16 bytes of HMAC-SHA256(HKDF(master, "bae-nonce-v1"), library id, path,
//                 header up to and with the key id, SHA-256 of the plaintext), each with a 4-byte big-endian length
//   chunk nonce = nonce . chunk number (7 bytes, big-endian) . last flag (1 byte)
//   associated  = library id, path, whole header, chunk index (8 bytes, big-endian),
//                 each with a 4-byte big-endian length
// The signature (signature.h) covers the hash of every byte before it, certificate hash included.
#include <functional>

#include "crypto/signature.h"

namespace bae::crypto {

enum class ObjectKind : uint8_t {
    founding = 1,
    membership = 2,
    key = 3,
    head = 4,
    change = 5,
    snapshot = 6,
    lease = 7,
    invite = 8,
    grant = 9
};
std::string_view to_string(ObjectKind kind);  // the name used in key derivation: "founding", "membership", ...
// founding and membership: membership; head, snapshot, key, grant: their own; the rest: object.
Label label_of(ObjectKind kind);

constexpr size_t kObjectHeaderBytes = 53;
constexpr size_t kObjectTrailerBytes = 96;
constexpr size_t kChunkPlainBytes = 65520;
constexpr size_t kChunkSealedBytes = 65536;
constexpr size_t kMaxObjectBytes = 64 << 20;  // sealed; larger is refused by every program
constexpr size_t kMaxObjectPlainBytes =
    (kMaxObjectBytes - kObjectHeaderBytes - kObjectTrailerBytes) / kChunkSealedBytes * kChunkPlainBytes;

struct ObjectHeader {
    ObjectKind kind = ObjectKind::change;
    uint8_t version = 1;
    KeyId key_id;
    FixedBytes<16> nonce;
};

struct ObjectAddress {  // what binds an object to its place
    LibraryId library;
    std::string_view path;  // as in the bucket, e.g. "changes/0123456789abcdef/0000000001.enc"
};

struct Signer {
    const DeviceKeys& keys;
    CertificateHash certificate;
};

Hash256 object_hash(ByteView object);  // SHA-256 of all its bytes

// Deterministic. `plaintext` has at most kMaxObjectPlainBytes; `kind` is not `key`.
Bytes seal_object(ObjectKind kind, const ObjectAddress& address, const EpochMaster& master, const Signer& signer,
                  ByteView plaintext);

// A key box: header with nonce zero, payload sealed to the recipient, signed like any object. `recipient` is an X25519
// key that has passed check_sealing_key. Not deterministic: made once, kept, then sent.
Bytes seal_key_box(const ObjectAddress& address, const EpochMaster& master, ByteView recipient, const Signer& signer);
using BoxOpener = std::function<Result<SecretBytes>(ByteView sealed)>;  // Identity::open_box or DeviceKeys::open_box
// Checks that the opened master bears the key id of the header. The signature is checked apart (verify_object).
// corrupt if it is no key box or holds another key; otherwise what `open` says.
Result<EpochMaster> open_key_box(ByteView object, const BoxOpener& open);

// Checks magic, version (upgrade_needed if newer), kind and sizes. The first step for any foreign bytes.
Result<ObjectHeader> parse_object(ByteView object);
CertificateHash certificate_of(ByteView object);  // of an object that parse_object accepted

// Is it signed for this address by this device? bad_signature names the path otherwise.
Result<void> verify_object(ByteView object, const ObjectAddress& address, const DeviceSigningKey& device);
// Opens the seal. corrupt if any byte or the address differs. Does not check the signature.
Result<Bytes> open_object(ByteView object, const ObjectAddress& address, const EpochMaster& master);

}  // namespace bae::crypto
