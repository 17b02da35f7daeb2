#pragma once
// The first bytes of a session in each direction, in clear. They say what the session is for only to who knows its
// secret already.
//
//   hello := version (1) = 1 | purpose (1) | ephemeral X25519 key (32) | count (1) | name (8) ...
//   name  := first 8 bytes of HMAC-SHA256(secret, ephemeral key of the initiator)
//
// The initiator names up to 4 secrets, newest first; the responder's hello repeats the one name it chose. A purpose
// that has no secret (discovery) has no name.
#include <vector>

#include "crypto/agreement.h"

namespace bae::dht {

enum class Purpose : uint8_t {
    library = 1,    // sync between devices of one library; secret per key epoch; both ends show certificates
    pairing = 2,    // a new device and a keeper; the code is the secret; nobody has to show a certificate
    grant = 3,      // reserved
    discovery = 4,  // strangers; no secret, anonymous
};
std::string_view to_string(Purpose purpose);
bool shows_certificates(Purpose purpose);
size_t max_secrets(Purpose purpose);  // of the purposes of this version; 0: it has none

constexpr uint8_t kSessionVersion = 1;
constexpr size_t kMaxSecrets = 4;
constexpr size_t kHelloStartBytes = 35;  // up to and with the count
using SecretName = FixedBytes<8>;
constexpr size_t kMaxHelloBytes = kHelloStartBytes + kMaxSecrets * SecretName::kSize;

struct Hello {
    Purpose purpose = Purpose::library;
    crypto::EphemeralPublicKey key;
    std::vector<SecretName> names;
    bool operator==(const Hello&) const = default;
};

Bytes encode_hello(const Hello& hello);
// How long the hello is whose first kHelloStartBytes are `start`. upgrade_needed: of a newer version; unsupported: of a
// purpose this version does not have; corrupt: more or fewer names than its purpose has.
Result<size_t> hello_size(ByteView start);
Result<Hello> decode_hello(ByteView bytes);  // of exactly that size

}  // namespace bae::dht
