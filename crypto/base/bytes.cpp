#include "crypto/base/bytes.h"

namespace bae {

void append_sized(Bytes& out, ByteView more) {
    std::array<std::byte, 4> length;
    write_big_endian(length, more.size());
    append(out, length);
    append(out, more);
}

void write_big_endian(ByteSpan out, uint64_t value) {
    CHECK(out.size() <= sizeof value);
    for (size_t i = out.size(); i-- > 0; value >>= 8) out[i] = static_cast<std::byte>(value & 255);
    CHECK(value == 0);
}

uint64_t read_big_endian(ByteView bytes) {
    CHECK(bytes.size() <= sizeof(uint64_t));
    uint64_t value = 0;
    for (std::byte b : bytes) value = value << 8 | std::to_integer<uint64_t>(b);
    return value;
}

std::string hex_encode(ByteView bytes) {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string out(bytes.size() * 2, '\0');
    for (size_t i = 0; i < bytes.size(); i++) {
        const auto value = std::to_integer<unsigned>(bytes[i]);
        out[2 * i] = kDigits[value >> 4];
        out[2 * i + 1] = kDigits[value & 15];
    }
    return out;
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

Result<void> hex_decode_into(std::string_view text, ByteSpan out) {
    if (text.size() != out.size() * 2)
        return fail(ErrorKind::invalid_input, "expected " + std::to_string(out.size() * 2) + " hex digits, got " +
                                                  std::to_string(text.size()) + " characters");
    for (size_t i = 0; i < out.size(); i++) {
        const int high = hex_digit(text[2 * i]);
        const int low = hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0) return fail(ErrorKind::invalid_input, "not lower-case hex digits");
        out[i] = static_cast<std::byte>(high * 16 + low);
    }
    return {};
}

Result<Bytes> hex_decode(std::string_view text) {
    Bytes out(text.size() / 2);
    TRY(hex_decode_into(text, out));
    return out;
}

static constexpr std::string_view kBase32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

std::string base32_encode(ByteView bytes) {
    std::string out;
    out.reserve((bytes.size() * 8 + 4) / 5);  // no growth: the bytes may be secret, and growing leaves copies behind
    unsigned buffer = 0;
    unsigned bits = 0;
    for (std::byte b : bytes) {
        buffer = (buffer << 8) | std::to_integer<unsigned>(b);
        for (bits += 8; bits >= 5; bits -= 5) out += kBase32[(buffer >> (bits - 5)) & 31];
        buffer &= (1U << bits) - 1;
    }
    if (bits > 0) out += kBase32[(buffer << (5 - bits)) & 31];
    return out;
}

Result<Bytes> base32_decode(std::string_view text) {
    Bytes out;
    out.reserve(text.size() * 5 / 8);  // no growth: the bytes may be secret, and growing leaves copies behind
    unsigned buffer = 0;
    unsigned bits = 0;
    for (char c : text) {
        if (c == '-' || c == ' ' || c == '\n' || c == '\r' || c == '\t') continue;
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
        const size_t digit = kBase32.find(c);
        if (digit == std::string_view::npos)
            return fail(ErrorKind::invalid_input, "a code has only the letters A-Z and the digits 2-7");
        buffer = (buffer << 5) | static_cast<unsigned>(digit);
        bits += 5;
        if (bits >= 8) {
            out.push_back(static_cast<std::byte>((buffer >> (bits - 8)) & 255));
            bits -= 8;
        }
        buffer &= (1U << bits) - 1;
    }
    if (buffer != 0 || bits >= 5)
        return fail(ErrorKind::invalid_input, "the code is cut short or has a letter too many");
    return out;
}

}  // namespace bae
