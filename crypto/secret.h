#pragma once
// Secret bytes: in memory of their own (sodium_malloc: guarded, not dumped, wiped when freed), movable only. They
// cannot be copied, compared or printed; `view()` is for the one call that needs them.
#include "crypto/base/bytes.h"

namespace bae::crypto {

// Must succeed once before anything else of this folder is used. Safe to call often and from several threads.
Result<void> initialize();

// Randomness as a seam: the system's in the program, a seeded one in tests.
class Random {
  public:
    virtual ~Random() = default;
    virtual void fill(ByteSpan out) = 0;
};
Random& system_random();  // libsodium's randombytes; thread-safe

class SecretBytes {
  public:
    SecretBytes() = default;
    explicit SecretBytes(size_t size);
    static SecretBytes copy_of(ByteView bytes);
    static SecretBytes random(size_t size, Random& random);
    ~SecretBytes();
    SecretBytes(SecretBytes&& other) noexcept;
    SecretBytes& operator=(SecretBytes&& other) noexcept;
    SecretBytes(const SecretBytes&) = delete;
    SecretBytes& operator=(const SecretBytes&) = delete;
    bool operator==(const SecretBytes&) const = delete;

    ByteView view() const { return {data_, size_}; }
    ByteSpan span() { return {data_, size_}; }
    size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }
    SecretBytes duplicate() const { return copy_of(view()); }

  private:
    std::byte* data_ = nullptr;
    size_t size_ = 0;
};

// A secret of exactly 32 bytes. Roles are classes of their own that hold one (keys.h).
class SecretKey {
  public:
    static constexpr size_t kSize = 32;
    SecretKey() : bytes_(kSize) {}                  // zero; to be filled
    static Result<SecretKey> from(ByteView bytes);  // corrupt unless 32 bytes
    static SecretKey random(Random& random);
    ByteView view() const { return bytes_.view(); }
    ByteSpan span() { return bytes_.span(); }
    SecretKey duplicate() const;

  private:
    SecretBytes bytes_;
};

void wipe(ByteSpan bytes);  // not optimised away

}  // namespace bae::crypto
