// FLAC frames (RFC 9639, section 9), as far as it takes to find the last one: a header names the place of its first
// sample and is guarded by a CRC-8, the frame by a CRC-16. Nothing is decoded.
#include <algorithm>
#include <array>

#include "node/import/audio_file.h"

namespace bae::node {
namespace {

constexpr size_t kHeaderMax = 16;
constexpr size_t kWindow = 16 << 10;

template <class Word>
constexpr std::array<Word, 256> crc_table(Word polynomial) {
    constexpr int kTop = 8 * sizeof(Word) - 1;
    std::array<Word, 256> table{};
    for (unsigned byte = 0; byte < 256; ++byte) {
        unsigned value = byte << (kTop - 7);
        for (int bit = 0; bit < 8; ++bit) value = (value >> kTop & 1U) != 0 ? value << 1 ^ polynomial : value << 1;
        table[byte] = static_cast<Word>(value);
    }
    return table;
}
constexpr auto kCrc8 = crc_table<uint8_t>(0x07);
constexpr auto kCrc16 = crc_table<uint16_t>(0x8005);

uint8_t crc8(ByteView bytes) {
    uint8_t crc = 0;
    for (const std::byte byte : bytes) crc = kCrc8[crc ^ std::to_integer<uint8_t>(byte)];
    return crc;
}

struct Frame {
    uint64_t first_sample = 0, samples = 0;
};

// Coded like UTF-8, up to seven bytes. Its length; 0 if it is none.
size_t coded_number(ByteView bytes, uint64_t& value) {
    if (bytes.empty()) return 0;
    const auto lead = std::to_integer<unsigned>(bytes[0]);
    size_t length = 0;
    while (length < 8 && (lead & 0x80U >> length) != 0) ++length;
    if (length == 1 || length == 8) return 0;
    const size_t size = std::max<size_t>(length, 1);
    if (bytes.size() < size) return 0;
    value = length == 0 ? lead : lead & (0x7fU >> length);
    for (size_t i = 1; i < size; ++i) {
        const auto next = std::to_integer<unsigned>(bytes[i]);
        if ((next & 0xc0) != 0x80) return 0;
        value = value << 6 | (next & 0x3f);
    }
    return size;
}

uint64_t samples_of(unsigned code, ByteView extra) {
    if (code == 1) return 192;
    if (code <= 5) return 576ULL << (code - 2);
    if (code <= 7) return read_big_endian(extra) + 1;
    return 256ULL << (code - 8);
}

std::optional<Frame> parse_header(ByteView bytes, const FlacLayout& layout) {
    if (bytes.size() < 6 || bytes[0] != std::byte{0xff} || (bytes[1] & std::byte{0xfe}) != std::byte{0xf8})
        return std::nullopt;
    const auto sizes = std::to_integer<unsigned>(bytes[2]), form = std::to_integer<unsigned>(bytes[3]);
    const unsigned block = sizes >> 4, rate = sizes & 15;
    if (block == 0 || rate == 15 || (form & 1) != 0 || form >> 4 > 10) return std::nullopt;
    uint64_t number = 0;
    size_t at = 4 + coded_number(bytes.subspan(4), number);
    const size_t extra = block == 6 ? 1 : block == 7 ? 2 : 0;
    const size_t length = at + extra + (rate == 12 ? 1U : rate > 12 ? 2U : 0U);
    if (at == 4 || bytes.size() < length + 1) return std::nullopt;
    if (crc8(bytes.first(length)) != std::to_integer<uint8_t>(bytes[length])) return std::nullopt;
    const bool numbers_samples = (bytes[1] & std::byte{1}) != std::byte{0};
    if (!numbers_samples) number *= layout.block_samples;
    return Frame{number, samples_of(block, bytes.subspan(at, extra))};
}

// The last header before `end` that fits the stream.
std::optional<std::pair<uint64_t, Frame>> last_frame(ByteSource& source, const FlacLayout& layout, uint64_t end) {
    const auto start = static_cast<uint64_t>(layout.audio_offset);
    for (uint64_t high = end; high > start;) {
        const uint64_t low = high - std::min<uint64_t>(kWindow, high - start);
        const Bytes window = source.take(low, static_cast<size_t>(std::min(end, high + kHeaderMax) - low));
        for (size_t at = std::min<size_t>(window.size(), static_cast<size_t>(high - low)); at-- > 0;) {
            if (window[at] != std::byte{0xff}) continue;
            const auto frame = parse_header(ByteView(window).subspan(at), layout);
            if (frame && frame->first_sample < layout.total_samples) return std::pair(low + at, *frame);
        }
        high = low;
    }
    return std::nullopt;
}

// A frame followed by its own CRC-16 has the CRC zero. What programs append behind the last frame is not held against
// it.
bool frame_is_whole(ByteSource& source, uint64_t begin, uint64_t end) {
    uint16_t crc = 0;
    for (uint64_t at = begin; at < end;) {
        const Bytes bytes = source.take(at, static_cast<size_t>(std::min<uint64_t>(kWindow, end - at)));
        if (bytes.empty()) return false;
        for (const std::byte byte : bytes) {
            crc = static_cast<uint16_t>(crc << 8 ^ kCrc16[(crc >> 8 ^ std::to_integer<unsigned>(byte)) & 0xff]);
            if (++at - begin > 6 && crc == 0) return true;
        }
    }
    return false;
}

}  // namespace

bool flac_is_whole(ByteSource& source, const FlacLayout& layout, uint64_t end) {
    if (layout.total_samples == 0) return true;
    const auto last = last_frame(source, layout, end);
    if (!last) return false;
    if (last->second.first_sample + last->second.samples < layout.total_samples) return false;
    return frame_is_whole(source, last->first, end);
}

}  // namespace bae::node
