#pragma once
// Canonical MessagePack (https://github.com/msgpack/msgpack/blob/master/spec.md): every value in its shortest form, no
// extension types, no floats but 64-bit. `Packer` writes only that; `Unpacker` refuses anything else, so whatever it
// accepts serialises to the same bytes again. msgpack-c accepts longer forms and allocates before limits apply, which
// is why reading is our own. Both are for one thread; views returned by Unpacker point into the input.
#include <cstdint>
#include <string_view>

#include "crypto/base/bytes.h"

namespace bae {

class Packer {
  public:
    explicit Packer(Bytes& out) : out_(out) {}
    void nil() { byte(0xc0); }
    void boolean(bool value) { byte(value ? 0xc3 : 0xc2); }
    void uint(uint64_t value);
    void sint(int64_t value);  // non-negative values are written as uint
    void real(double value);   // always 9 bytes; NaN is written with one bit pattern
    void text(std::string_view value);
    void bin(ByteView value);
    void array(uint32_t count);
    void raw(ByteView packed) { append(out_, packed); }  // bytes that are MessagePack already

  private:
    void byte(unsigned value) { out_.push_back(static_cast<std::byte>(value)); }
    void big_endian(uint64_t value, int bytes);
    Bytes& out_;
};

class Unpacker {
  public:
    enum class Type { nil, boolean, uint, sint, real, text, bin, array, end };

    explicit Unpacker(ByteView in) : in_(in) {}
    Type peek() const;  // `end` also for a byte that starts no allowed value; the read then says why
    Result<void> nil();
    Result<bool> boolean();
    Result<uint64_t> uint(uint64_t max = UINT64_MAX);
    Result<int64_t> sint();  // negative or not
    Result<double> real();
    Result<std::string_view> text(size_t max_bytes);  // must be valid UTF-8 only where the caller says so
    Result<ByteView> bin(size_t max_bytes);
    Result<void> bin_exact(ByteSpan out);
    Result<uint32_t> array(uint32_t max_count);
    Result<void> array_exact(uint32_t count);
    Result<void> skip();          // one value of any type, nested at most 16 deep
    Result<void> finish() const;  // refuses trailing bytes
    size_t position() const { return at_; }
    ByteView input() const { return in_; }

  private:
    Result<unsigned> lead();
    Result<uint64_t> big_endian(int bytes, uint64_t minimum);
    Result<ByteView> take(uint64_t size, size_t max_bytes);
    Result<void> skip_nested(int depth);
    ByteView in_;
    size_t at_ = 0;
};

}  // namespace bae
