#pragma once
// Byte strings and their text forms. Views do not own; functions return values.
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/base/result.h"

namespace bae {

using Bytes = std::vector<std::byte>;
using ByteView = std::span<const std::byte>;
using ByteSpan = std::span<std::byte>;

inline ByteView as_bytes(std::string_view text) { return std::as_bytes(std::span(text.data(), text.size())); }
inline std::string_view as_text(ByteView bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
inline Bytes to_bytes(ByteView view) { return {view.begin(), view.end()}; }
inline void append(Bytes& out, ByteView more) { out.insert(out.end(), more.begin(), more.end()); }
inline bool equal(ByteView a, ByteView b) {
    return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
}

void append_sized(Bytes& out, ByteView more);         // a 4-byte big-endian length, then the bytes; at most 4 GiB - 1
void write_big_endian(ByteSpan out, uint64_t value);  // fills `out`, at most 8 bytes; the value must fit
uint64_t read_big_endian(ByteView bytes);             // at most 8 bytes

// A value of N bytes; wrap it in a type of its own for every role.
template <size_t N>
struct FixedBytes {
    std::array<std::byte, N> bytes{};
    auto operator<=>(const FixedBytes&) const = default;
    ByteView view() const { return bytes; }
    static constexpr size_t kSize = N;
};

std::string hex_encode(ByteView bytes);                             // lower case
Result<Bytes> hex_decode(std::string_view text);                    // lower case only; invalid_input otherwise
Result<void> hex_decode_into(std::string_view text, ByteSpan out);  // exactly out.size() bytes
std::string base32_encode(ByteView bytes);                          // RFC 4648 section 6, upper case, no padding
Result<Bytes> base32_decode(std::string_view text);  // either case, hyphens and spaces ignored, no padding

}  // namespace bae
