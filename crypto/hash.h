#pragma once
// SHA-256 (FIPS 180-4), HMAC-SHA256 (RFC 2104), HKDF-SHA256 (RFC 5869). SHA-256 is OpenSSL's (SHA extensions); the
// tests hold it against libsodium. Functions are thread-safe; a Sha256 belongs to one thread.
#include <memory>

#include "crypto/base/bytes.h"
#include "crypto/ids.h"
#include "crypto/secret.h"

namespace bae::crypto {

Hash256 sha256(ByteView bytes);

FixedBytes<20> sha1(ByteView bytes);  // for names only (UUID v5, DHT keys), never against an attacker

class Sha256 {  // incremental
  public:
    Sha256();
    ~Sha256();
    Sha256(Sha256&&) noexcept;
    Sha256& operator=(Sha256&&) noexcept;
    void update(ByteView bytes);
    Hash256 finish();  // once; the object is then empty

  private:
    struct State;
    std::unique_ptr<State> state_;
};

Hash256 hmac_sha256(ByteView key, ByteView message);

// HKDF-SHA256 extract and expand; out may be up to 255 * 32 bytes.
void hkdf_sha256(ByteView ikm, ByteView salt, ByteView info, ByteSpan out);
// The design's short form HKDF(x, info): empty salt, 32 bytes.
SecretKey hkdf(ByteView ikm, ByteView info);

}  // namespace bae::crypto
