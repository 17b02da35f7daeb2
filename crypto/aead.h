#pragma once
// XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03): HChaCha20 for the subkey (libsodium), then OpenSSL's
// ChaCha20-Poly1305 (RFC 8439), which is faster and byte-identical; the tests hold it against libsodium's own.
// An Aead caches the subkey of the last nonce prefix (16 bytes), so the chunks of one stream cost one HChaCha20.
#include <memory>

#include "crypto/secret.h"

namespace bae::crypto {

constexpr size_t kAeadTagBytes = 16;
using AeadNonce = std::array<std::byte, 24>;

class Aead {  // one thread at a time; make one per thread or per stream
  public:
    explicit Aead(ByteView key);  // 32 bytes
    ~Aead();
    Aead(Aead&&) noexcept;
    Aead& operator=(Aead&&) noexcept;
    // `out` has plain.size() + 16 bytes and may begin where `plain` does.
    void seal(const AeadNonce& nonce, ByteView associated, ByteView plain, ByteSpan out);
    // `out` has sealed.size() - 16 bytes, may begin where `sealed` does, and is zeros if this returns false.
    [[nodiscard]] bool open(const AeadNonce& nonce, ByteView associated, ByteView sealed, ByteSpan out);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace bae::crypto
