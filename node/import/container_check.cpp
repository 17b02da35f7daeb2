// Files are cut off by full disks and broken downloads. Where the container says how long it is, that is seen without
// decoding.
#include <algorithm>

#include "node/import/audio_file.h"

namespace bae::node {
namespace {

constexpr int kMaxAtoms = 4096;

Error cut_off() { return Error{ErrorKind::corrupt, "cut off: its end is missing"}; }

Result<void> check_flac(ByteSource& source) {
    const FlacLayout layout = TRY(read_flac_layout(source));
    const Bytes frame = source.take(static_cast<uint64_t>(layout.audio_offset), 2);
    const bool sync =
        frame.size() == 2 && frame[0] == std::byte{0xff} && (frame[1] & std::byte{0xfe}) == std::byte{0xf8};
    if (!sync) return fail(ErrorKind::corrupt, "no audio after its FLAC metadata");
    return {};
}

// ISO 14496-12: atoms of 4-byte size (1: an 8-byte one follows; 0: to the end) and type, one after the other.
Result<void> check_mp4(ByteSource& source) {
    uint64_t at = 0;
    for (int atoms = 0; at < source.size() && atoms < kMaxAtoms; ++atoms) {
        const Bytes head = source.take(at, 16);
        if (head.size() < 8) return {};  // a few bytes of padding
        uint64_t size = read_big_endian(ByteView(head).first(4));
        if (size == 0) return {};
        if (size == 1 && head.size() == 16) size = read_big_endian(ByteView(head).subspan(8, 8));
        if (size < 8) return fail(ErrorKind::corrupt, "damaged MP4 atoms");
        if (size > source.size() - at) return tl::unexpected(cut_off());
        at += size;
    }
    return {};
}

uint64_t little4(ByteView bytes) {
    uint64_t value = 0;
    for (size_t i = 4; i-- > 0;) value = value << 8 | std::to_integer<uint64_t>(bytes[i]);
    return value;
}

// RIFF chunks: type, 4-byte little-endian size, even padding. Recorders that stream write 0 or 0xffffffff.
Result<void> check_wav(ByteSource& source) {
    uint64_t at = 12;
    for (int chunks = 0; chunks < kMaxAtoms; ++chunks) {
        const Bytes head = source.take(at, 8);
        if (head.size() < 8) return {};
        const uint64_t size = little4(ByteView(head).subspan(4));
        if (as_text(ByteView(head).first(4)) == "data" && size != 0 && size != 0xffffffff &&
            size > source.size() - at - 8)
            return tl::unexpected(cut_off());
        at += 8 + size + (size & 1);
    }
    return {};
}

// RFC 3533: a page is 27 bytes, a table of segment lengths, the segments. The last one must be whole.
Result<void> check_ogg(ByteSource& source) {
    constexpr uint64_t kPageMax = 27 + 255 + 255 * 255;
    const uint64_t start = source.size() - std::min(source.size(), kPageMax);
    const Bytes tail = source.take(start, static_cast<size_t>(kPageMax));
    const size_t page = as_text(tail).rfind("OggS");
    if (page == std::string_view::npos) return tl::unexpected(cut_off());
    const ByteView rest = ByteView(tail).subspan(page);
    if (rest.size() < 27) return tl::unexpected(cut_off());
    const auto segments = std::to_integer<size_t>(rest[26]);
    size_t length = 27 + segments;
    if (rest.size() < length) return tl::unexpected(cut_off());
    for (size_t i = 0; i < segments; ++i) length += std::to_integer<size_t>(rest[27 + i]);
    if (rest.size() < length) return tl::unexpected(cut_off());
    return {};
}

}  // namespace

Result<void> check_complete(ByteSource& source, MediaType type) {
    switch (type) {
        case MediaType::flac:
            return check_flac(source);
        case MediaType::mp4:
            return check_mp4(source);
        case MediaType::wav:
            return check_wav(source);
        case MediaType::vorbis:
        case MediaType::opus:
            return check_ogg(source);
        case MediaType::mpeg:
        case MediaType::none:
            return {};
    }
    return {};
}

}  // namespace bae::node
