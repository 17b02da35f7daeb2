#pragma once
// X25519 (RFC 7748) between two keys that live for one session: what both ends then know and nobody else does.
#include "crypto/ids.h"
#include "crypto/secret.h"

namespace bae::crypto {

using EphemeralPublicKey = Id<struct EphemeralPublicKeyTag, 32>;

class EphemeralKey {
  public:
    static EphemeralKey generate(Random& random);
    const EphemeralPublicKey& public_key() const { return public_key_; }
    // The same 32 bytes at both ends. corrupt if they are all zero: the other key is a low-order point, and the secret
    // would be known to everybody.
    Result<SecretKey> agree(const EphemeralPublicKey& other) const;

  private:
    EphemeralKey() = default;
    SecretKey secret_;
    EphemeralPublicKey public_key_;
};

}  // namespace bae::crypto
