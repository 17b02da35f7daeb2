#include "crypto/base/pack.h"

#include <bit>
#include <cmath>
#include <limits>

namespace bae {

void Packer::big_endian(uint64_t value, int bytes) {
    std::byte buffer[8];
    for (int i = 0; i < bytes; i++) buffer[i] = static_cast<std::byte>(value >> (8 * (bytes - 1 - i)));
    out_.insert(out_.end(), buffer, buffer + bytes);
}

void Packer::uint(uint64_t value) {
    if (value < 0x80) return byte(static_cast<unsigned>(value));
    if (value <= 0xff) return byte(0xcc), big_endian(value, 1);
    if (value <= 0xffff) return byte(0xcd), big_endian(value, 2);
    if (value <= 0xffffffff) return byte(0xce), big_endian(value, 4);
    byte(0xcf), big_endian(value, 8);
}

void Packer::sint(int64_t value) {
    if (value >= 0) return uint(static_cast<uint64_t>(value));
    const auto bits = static_cast<uint64_t>(value);
    if (value >= -32) return byte(static_cast<unsigned>(bits & 0xff));
    if (value >= INT8_MIN) return byte(0xd0), big_endian(bits, 1);
    if (value >= INT16_MIN) return byte(0xd1), big_endian(bits, 2);
    if (value >= INT32_MIN) return byte(0xd2), big_endian(bits, 4);
    byte(0xd3), big_endian(bits, 8);
}

void Packer::real(double value) {
    byte(0xcb);
    if (std::isnan(value)) value = std::numeric_limits<double>::quiet_NaN();
    big_endian(std::bit_cast<uint64_t>(value), 8);
}

void Packer::text(std::string_view value) {
    const size_t n = value.size();
    if (n < 32)
        byte(0xa0 | static_cast<unsigned>(n));
    else if (n <= 0xff)
        byte(0xd9), big_endian(n, 1);
    else if (n <= 0xffff)
        byte(0xda), big_endian(n, 2);
    else
        byte(0xdb), big_endian(n, 4);
    raw(as_bytes(value));
}

void Packer::bin(ByteView value) {
    const size_t n = value.size();
    if (n <= 0xff)
        byte(0xc4), big_endian(n, 1);
    else if (n <= 0xffff)
        byte(0xc5), big_endian(n, 2);
    else
        byte(0xc6), big_endian(n, 4);
    raw(value);
}

void Packer::array(uint32_t count) {
    if (count < 16) return byte(0x90 | count);
    if (count <= 0xffff) return byte(0xdc), big_endian(count, 2);
    byte(0xdd), big_endian(count, 4);
}

static tl::unexpected<Error> malformed(const char* what) { return fail(ErrorKind::corrupt, what); }

Unpacker::Type Unpacker::peek() const {
    if (at_ >= in_.size()) return Type::end;
    const auto b = std::to_integer<unsigned>(in_[at_]);
    if (b < 0x80 || (b >= 0xcc && b <= 0xcf)) return Type::uint;
    if (b >= 0xe0 || (b >= 0xd0 && b <= 0xd3)) return Type::sint;
    if ((b & 0xf0) == 0x90 || b == 0xdc || b == 0xdd) return Type::array;
    if ((b & 0xe0) == 0xa0 || (b >= 0xd9 && b <= 0xdb)) return Type::text;
    if (b >= 0xc4 && b <= 0xc6) return Type::bin;
    if (b == 0xc0) return Type::nil;
    if (b == 0xc2 || b == 0xc3) return Type::boolean;
    if (b == 0xcb) return Type::real;
    return Type::end;
}

Result<unsigned> Unpacker::lead() {
    if (at_ >= in_.size()) return malformed("ends in the middle of a value");
    return std::to_integer<unsigned>(in_[at_++]);
}

Result<uint64_t> Unpacker::big_endian(int bytes, uint64_t minimum) {
    if (in_.size() - at_ < static_cast<size_t>(bytes)) return malformed("ends in the middle of a value");
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++) value = value << 8 | std::to_integer<uint64_t>(in_[at_++]);
    if (value < minimum) return malformed("a number or length is not in its shortest form");
    return value;
}

Result<ByteView> Unpacker::take(uint64_t size, size_t max_bytes) {
    if (size > max_bytes) return malformed("an item is longer than the format allows");
    if (in_.size() - at_ < size) return malformed("ends in the middle of a value");
    const ByteView view = in_.subspan(at_, size);
    at_ += size;
    return view;
}

Result<void> Unpacker::nil() {
    if (TRY(lead()) != 0xc0) return malformed("expected nil");
    return {};
}

Result<bool> Unpacker::boolean() {
    const unsigned b = TRY(lead());
    if (b != 0xc2 && b != 0xc3) return malformed("expected a boolean");
    return b == 0xc3;
}

Result<uint64_t> Unpacker::uint(uint64_t max) {
    const unsigned b = TRY(lead());
    uint64_t value = b;
    if (b == 0xcc)
        value = TRY(big_endian(1, 0x80));
    else if (b == 0xcd)
        value = TRY(big_endian(2, 0x100));
    else if (b == 0xce)
        value = TRY(big_endian(4, 0x10000));
    else if (b == 0xcf)
        value = TRY(big_endian(8, 0x100000000));
    else if (b >= 0x80)
        return malformed("expected an unsigned number");
    if (value > max) return malformed("a number is over its limit");
    return value;
}

Result<int64_t> Unpacker::sint() {
    if (peek() == Type::uint) return static_cast<int64_t>(TRY(uint(INT64_MAX)));
    const unsigned b = TRY(lead());
    int64_t value = 0;
    int64_t above = 0;  // a value must be below this, or a shorter form exists
    if (b >= 0xe0) return static_cast<int8_t>(b);
    if (b == 0xd0)
        value = static_cast<int8_t>(TRY(big_endian(1, 0))), above = -32;
    else if (b == 0xd1)
        value = static_cast<int16_t>(TRY(big_endian(2, 0))), above = INT8_MIN;
    else if (b == 0xd2)
        value = static_cast<int32_t>(TRY(big_endian(4, 0))), above = INT16_MIN;
    else if (b == 0xd3)
        value = static_cast<int64_t>(TRY(big_endian(8, 0))), above = INT32_MIN;
    else
        return malformed("expected a number");
    if (value >= above) return malformed("a number or length is not in its shortest form");
    return value;
}

Result<double> Unpacker::real() {
    if (TRY(lead()) != 0xcb) return malformed("expected a 64-bit float");
    const uint64_t bits = TRY(big_endian(8, 0));
    const auto value = std::bit_cast<double>(bits);
    if (std::isnan(value) && bits != std::bit_cast<uint64_t>(std::numeric_limits<double>::quiet_NaN()))
        return malformed("a NaN is not in its one form");
    return value;
}

Result<std::string_view> Unpacker::text(size_t max_bytes) {
    const unsigned b = TRY(lead());
    uint64_t size = b & 31;
    if (b == 0xd9)
        size = TRY(big_endian(1, 32));
    else if (b == 0xda)
        size = TRY(big_endian(2, 0x100));
    else if (b == 0xdb)
        size = TRY(big_endian(4, 0x10000));
    else if ((b & 0xe0) != 0xa0)
        return malformed("expected text");
    return as_text(TRY(take(size, max_bytes)));
}

Result<ByteView> Unpacker::bin(size_t max_bytes) {
    const unsigned b = TRY(lead());
    uint64_t size = 0;
    if (b == 0xc4)
        size = TRY(big_endian(1, 0));
    else if (b == 0xc5)
        size = TRY(big_endian(2, 0x100));
    else if (b == 0xc6)
        size = TRY(big_endian(4, 0x10000));
    else
        return malformed("expected bytes");
    return take(size, max_bytes);
}

Result<void> Unpacker::bin_exact(ByteSpan out) {
    const ByteView view = TRY(bin(out.size()));
    if (view.size() != out.size()) return malformed("an item is shorter than the format says");
    std::memcpy(out.data(), view.data(), view.size());
    return {};
}

Result<uint32_t> Unpacker::array(uint32_t max_count) {
    const unsigned b = TRY(lead());
    uint64_t count = b & 15;
    if (b == 0xdc)
        count = TRY(big_endian(2, 16));
    else if (b == 0xdd)
        count = TRY(big_endian(4, 0x10000));
    else if ((b & 0xf0) != 0x90)
        return malformed("expected a list");
    if (count > max_count) return malformed("a list is longer than the format allows");
    if (count > in_.size() - at_) return malformed("ends in the middle of a list");
    return static_cast<uint32_t>(count);
}

Result<void> Unpacker::array_exact(uint32_t count) {
    if (TRY(array(count)) != count) return malformed("a list is shorter than the format says");
    return {};
}

Result<void> Unpacker::skip() { return skip_nested(16); }

Result<void> Unpacker::skip_nested(int depth) {
    switch (peek()) {
        case Type::nil:
            return nil();
        case Type::boolean:
            TRY(boolean());
            return {};
        case Type::uint:
            TRY(uint());
            return {};
        case Type::sint:
            TRY(sint());
            return {};
        case Type::real:
            TRY(real());
            return {};
        case Type::text:
            TRY(text(UINT32_MAX));
            return {};
        case Type::bin:
            TRY(bin(UINT32_MAX));
            return {};
        case Type::array: {
            if (depth == 0) return malformed("lists are nested too deep");
            const uint32_t count = TRY(array(UINT32_MAX));
            for (uint32_t i = 0; i < count; i++) TRY(skip_nested(depth - 1));
            return {};
        }
        case Type::end:
            break;
    }
    return malformed(at_ >= in_.size() ? "ends where a value should be" : "a type the format does not use");
}

Result<void> Unpacker::finish() const {
    if (at_ != in_.size()) return malformed("bytes follow the end");
    return {};
}

}  // namespace bae
