#include "crypto/hash.h"

#include <openssl/evp.h>
#include <sodium.h>

#include "crypto/openssl_context.h"
#include "crypto/sodium_pointer.h"

namespace bae::crypto {

namespace {

// Fetched once: a fetch per call costs more than hashing a small message.
const EVP_MD* sha256_algorithm() {
    static const EVP_MD* const algorithm = EVP_MD_fetch(openssl_context(), "SHA256", nullptr);
    CHECK(algorithm != nullptr);
    return algorithm;
}

struct DigestContext {
    DigestContext() : evp(EVP_MD_CTX_new()) { CHECK(evp != nullptr); }
    ~DigestContext() { EVP_MD_CTX_free(evp); }
    DigestContext(const DigestContext&) = delete;
    DigestContext& operator=(const DigestContext&) = delete;

    void begin() { CHECK(EVP_DigestInit_ex2(evp, sha256_algorithm(), nullptr) == 1); }
    void update(ByteView bytes) { CHECK(EVP_DigestUpdate(evp, bytes.data(), bytes.size()) == 1); }
    Hash256 finish() {
        Hash256 out;
        CHECK(EVP_DigestFinal_ex(evp, unsigned_bytes(ByteSpan(out.bytes)), nullptr) == 1);
        return out;
    }

    EVP_MD_CTX* evp;
};

class Hmac {
  public:
    explicit Hmac(ByteView key) { crypto_auth_hmacsha256_init(&state_, unsigned_bytes(key), key.size()); }
    ~Hmac() { sodium_memzero(&state_, sizeof state_); }
    Hmac(const Hmac&) = delete;
    Hmac& operator=(const Hmac&) = delete;
    void update(ByteView bytes) { crypto_auth_hmacsha256_update(&state_, unsigned_bytes(bytes), bytes.size()); }
    void finish(ByteSpan out) { crypto_auth_hmacsha256_final(&state_, unsigned_bytes(out)); }

  private:
    crypto_auth_hmacsha256_state state_;
};

}  // namespace

Hash256 sha256(ByteView bytes) {
    thread_local DigestContext context;
    context.begin();
    context.update(bytes);
    return context.finish();
}

struct Sha256::State : DigestContext {};

Sha256::Sha256() : state_(std::make_unique<State>()) { state_->begin(); }
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(ByteView bytes) {
    CHECK(state_ != nullptr);
    state_->update(bytes);
}

Hash256 Sha256::finish() {
    CHECK(state_ != nullptr);
    const Hash256 out = state_->finish();
    state_.reset();
    return out;
}

Hash256 hmac_sha256(ByteView key, ByteView message) {
    Hmac hmac(key);
    hmac.update(message);
    Hash256 out;
    hmac.finish(out.bytes);
    return out;
}

void hkdf_sha256(ByteView ikm, ByteView salt, ByteView info, ByteSpan out) {
    constexpr size_t kBlock = crypto_auth_hmacsha256_BYTES;
    CHECK(out.size() <= 255 * kBlock);
    std::array<std::byte, kBlock> extracted;
    Hmac extract(salt);
    extract.update(ikm);
    extract.finish(extracted);

    std::array<std::byte, kBlock> block;
    std::byte counter{0};
    for (size_t at = 0; at < out.size(); at += kBlock) {
        counter = static_cast<std::byte>(std::to_integer<unsigned>(counter) + 1);
        Hmac expand(extracted);
        if (at > 0) expand.update(block);
        expand.update(info);
        expand.update({&counter, 1});
        expand.finish(block);
        std::memcpy(out.data() + at, block.data(), std::min(kBlock, out.size() - at));
    }
    wipe(extracted);
    wipe(block);
}

SecretKey hkdf(ByteView ikm, ByteView info) {
    SecretKey out;
    hkdf_sha256(ikm, {}, info, out.span());
    return out;
}

}  // namespace bae::crypto
