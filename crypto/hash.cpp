#include "crypto/hash.h"

// The low-level functions: no algorithm to fetch, no openssl.cnf to read, nothing to allocate. Through EVP the first
// hash of a process costs a millisecond, and a small one half more than here.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>
#include <sodium.h>

#include <algorithm>

#include "crypto/sodium_pointer.h"

namespace bae::crypto {

namespace {

void begin(SHA256_CTX& state) { CHECK(SHA256_Init(&state) == 1); }

void add(SHA256_CTX& state, ByteView bytes) { CHECK(SHA256_Update(&state, unsigned_bytes(bytes), bytes.size()) == 1); }

Hash256 end(SHA256_CTX& state) {
    Hash256 out;
    CHECK(SHA256_Final(unsigned_bytes(out), &state) == 1);
    return out;
}

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
    SHA256_CTX state;
    begin(state);
    add(state, bytes);
    return end(state);
}

FixedBytes<20> sha1(ByteView bytes) {
    FixedBytes<20> out;
    SHA1(unsigned_bytes(bytes), bytes.size(), unsigned_bytes(ByteSpan(out.bytes)));
    return out;
}

struct Sha256::State {
    State() { begin(sha); }
    ~State() { sodium_memzero(&sha, sizeof sha); }
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    SHA256_CTX sha;
};

Sha256::Sha256() : state_(std::make_unique<State>()) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(ByteView bytes) {
    CHECK(state_ != nullptr);
    add(state_->sha, bytes);
}

Hash256 Sha256::finish() {
    CHECK(state_ != nullptr);
    const Hash256 out = end(state_->sha);
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
