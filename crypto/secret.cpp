#include "crypto/secret.h"

#include <sodium.h>

#include "crypto/sodium_pointer.h"

namespace bae::crypto {

Result<void> initialize() {
    static const bool ready = sodium_init() >= 0;
    if (!ready) return fail(ErrorKind::internal, "libsodium does not start: this system gives no randomness");
    return {};
}

namespace {

class SystemRandom final : public Random {
  public:
    void fill(ByteSpan out) override {
        CHECK(initialize().has_value());
        randombytes_buf(out.data(), out.size());
    }
};

}  // namespace

Random& system_random() {
    static SystemRandom random;
    return random;
}

SecretBytes::SecretBytes(size_t size) : size_(size) {
    if (size == 0) return;
    CHECK(initialize().has_value());
    data_ = static_cast<std::byte*>(sodium_malloc(size));
    CHECK(data_ != nullptr);
    sodium_memzero(data_, size);  // sodium_malloc fills with 0xdb
}

SecretBytes SecretBytes::copy_of(ByteView bytes) {
    SecretBytes out(bytes.size());
    if (!bytes.empty()) std::memcpy(out.data_, bytes.data(), bytes.size());
    return out;
}

SecretBytes SecretBytes::random(size_t size, Random& random) {
    SecretBytes out(size);
    random.fill(out.span());
    return out;
}

SecretBytes::~SecretBytes() { sodium_free(data_); }

SecretBytes::SecretBytes(SecretBytes&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
}

Result<SecretKey> SecretKey::from(ByteView bytes) {
    if (bytes.size() != kSize)
        return fail(ErrorKind::corrupt, "a secret key of " + std::to_string(bytes.size()) + " bytes");
    SecretKey out;
    std::memcpy(out.span().data(), bytes.data(), kSize);
    return out;
}

SecretKey SecretKey::random(Random& random) {
    SecretKey out;
    random.fill(out.span());
    return out;
}

SecretKey SecretKey::duplicate() const {
    SecretKey out;
    std::memcpy(out.span().data(), view().data(), kSize);
    return out;
}

void wipe(ByteSpan bytes) { sodium_memzero(bytes.data(), bytes.size()); }

}  // namespace bae::crypto
