// Where the sound of a file lies, and whether it is all there. Files are cut off by full disks and broken downloads;
// where the container says how long it is, that is seen without decoding.
#include <algorithm>

#include "node/import/audio_file.h"

namespace bae::node {
namespace {

constexpr int kMaxAtoms = 4096;
constexpr int kMaxTags = 4;  // one after the other at either end

Error cut_off() {
    return Error{ErrorKind::corrupt, "cut off: its end is missing; put a whole copy in its place and import it again"};
}

uint64_t little4(ByteView bytes) {
    uint64_t value = 0;
    for (size_t i = 4; i-- > 0;) value = value << 8 | std::to_integer<uint64_t>(bytes[i]);
    return value;
}

uint64_t behind_id3v2(ByteSource& source) {
    uint64_t at = 0;
    for (int tags = 0; tags < kMaxTags; ++tags) {
        const Bytes head = source.take(at, 10);
        if (head.size() < 10 || as_text(ByteView(head).first(3)) != "ID3") break;
        uint64_t size = 0;
        for (size_t i = 6; i < 10; ++i) size = size << 7 | (std::to_integer<uint64_t>(head[i]) & 0x7f);
        at += 10 + size + ((head[5] & std::byte{0x10}) != std::byte{0} ? 10U : 0U);
    }
    return std::min(at, source.size());
}

// Of the tag that ends at `end`, if one does: ID3v1, APEv2, Lyrics3v2.
uint64_t trailing_tag(ByteSource& source, uint64_t end) {
    if (end >= 128 && as_text(source.take(end - 128, 3)) == "TAG") return 128;
    const Bytes foot = end >= 32 ? source.take(end - 32, 32) : Bytes();
    if (foot.size() == 32 && as_text(ByteView(foot).first(8)) == "APETAGEX") {
        const bool headed = (foot[23] & std::byte{0x80}) != std::byte{0};
        return little4(ByteView(foot).subspan(12)) + (headed ? 32 : 0);
    }
    if (foot.size() == 32 && as_text(ByteView(foot).subspan(23)) == "LYRICS200") {
        uint64_t size = 15;
        for (uint64_t i = 17, scale = 100000; i < 23; ++i, scale /= 10)
            size += scale * (std::to_integer<uint64_t>(foot[i]) - '0');
        return size;
    }
    return 0;
}

uint64_t before_trailing_tags(ByteSource& source, uint64_t begin) {
    uint64_t end = source.size();
    for (int tags = 0; tags < kMaxTags; ++tags) {
        const uint64_t size = trailing_tag(source, end);
        if (size == 0 || size > end - begin) break;
        end -= size;
    }
    return end;
}

Result<AudioPlace> check_flac(ByteSource& source) {
    const FlacLayout layout = TRY(read_flac_layout(source));
    const auto begin = static_cast<uint64_t>(layout.audio_offset);
    const Bytes frame = source.take(begin, 2);
    const bool sync =
        frame.size() == 2 && frame[0] == std::byte{0xff} && (frame[1] & std::byte{0xfe}) == std::byte{0xf8};
    if (!sync) return fail(ErrorKind::corrupt, "no audio after its FLAC metadata");
    const uint64_t end = before_trailing_tags(source, begin);
    if (!flac_is_whole(source, layout, end)) return tl::unexpected(cut_off());
    return AudioPlace{{{begin, end}}};
}

// The bytes that the first frame claims there are, itself included, and where it begins. Xing or Info lie behind its
// side information, VBRI at a fixed place.
struct MpegClaim {
    uint64_t begin = 0, bytes = 0;
};
std::optional<MpegClaim> mpeg_claim(ByteSource& source, uint64_t begin) {
    const Bytes head = source.take(begin, 4096);
    for (size_t at = 0; at + 64 < head.size(); ++at) {
        if (head[at] != std::byte{0xff} || (head[at + 1] & std::byte{0xe0}) != std::byte{0xe0}) continue;
        const bool mpeg1 = (head[at + 1] & std::byte{0x18}) == std::byte{0x18};
        const bool mono = (head[at + 3] & std::byte{0xc0}) == std::byte{0xc0};
        const ByteView frame = ByteView(head).subspan(at);
        const ByteView info = frame.subspan(4U + (mpeg1 ? (mono ? 17 : 32) : (mono ? 9 : 17)));
        const std::string_view name = as_text(info.first(4));
        if (name == "Xing" || name == "Info") {
            const uint64_t fields = read_big_endian(info.subspan(4, 4));
            if ((fields & 2) == 0) return std::nullopt;
            return MpegClaim{begin + at, read_big_endian(info.subspan((fields & 1) != 0 ? 12 : 8, 4))};
        }
        if (as_text(frame.subspan(36, 4)) == "VBRI")
            return MpegClaim{begin + at, read_big_endian(frame.subspan(46, 4))};
    }
    return std::nullopt;
}

Result<AudioPlace> check_mpeg(ByteSource& source) {
    constexpr uint64_t kTolerance = 4096;  // encoders differ in what they count
    const uint64_t begin = behind_id3v2(source);
    const std::optional<MpegClaim> claim = mpeg_claim(source, begin);
    // tags at the end are not taken off: some encoders count them
    if (claim && claim->bytes > source.size() - claim->begin + kTolerance) return tl::unexpected(cut_off());
    return AudioPlace{{{begin, before_trailing_tags(source, begin)}}};
}

// ISO 14496-12: atoms of 4-byte size (1: an 8-byte one follows; 0: to the end) and type, one after the other.
Result<AudioPlace> check_mp4(ByteSource& source) {
    AudioPlace place;
    uint64_t at = 0;
    for (int atoms = 0; at < source.size() && atoms < kMaxAtoms; ++atoms) {
        const Bytes head = source.take(at, 16);
        if (head.size() < 8) break;  // a few bytes of padding
        uint64_t size = read_big_endian(ByteView(head).first(4));
        if (size == 0) size = source.size() - at;
        if (size == 1 && head.size() == 16) size = read_big_endian(ByteView(head).subspan(8, 8));
        if (size < 8) return fail(ErrorKind::corrupt, "damaged MP4 atoms");
        if (size > source.size() - at) return tl::unexpected(cut_off());
        if (as_text(ByteView(head).subspan(4, 4)) == "mdat") place.extents.push_back({at + 8, at + size});
        at += size;
    }
    if (place.extents.empty()) return tl::unexpected(cut_off());
    return place;
}

// RIFF chunks: type, 4-byte little-endian size, even padding. Recorders that stream write 0 or 0xffffffff.
Result<AudioPlace> check_wav(ByteSource& source) {
    uint64_t at = 12;
    for (int chunks = 0; chunks < kMaxAtoms; ++chunks) {
        const Bytes head = source.take(at, 8);
        if (head.size() < 8) break;
        const uint64_t size = little4(ByteView(head).subspan(4)), left = source.size() - at - 8;
        if (as_text(ByteView(head).first(4)) == "data") {
            const bool streamed = size == 0 || size == 0xffffffff;
            if (!streamed && size > left) return tl::unexpected(cut_off());
            return AudioPlace{{{at + 8, at + 8 + (streamed ? left : size)}}};
        }
        at += 8 + size + (size & 1);
    }
    return tl::unexpected(cut_off());
}

// RFC 3533: a page is 27 bytes, a table of segment lengths, the segments. The last one must be whole and say that it is
// the last.
Result<AudioPlace> check_ogg(ByteSource& source, int headers) {
    constexpr uint64_t kPageMax = 27 + 255 + 255 * 255;
    constexpr std::byte kLastPage{4};
    const uint64_t start = source.size() - std::min(source.size(), kPageMax);
    const Bytes tail = source.take(start, static_cast<size_t>(kPageMax));
    const size_t page = as_text(tail).rfind("OggS");
    if (page == std::string_view::npos) return tl::unexpected(cut_off());
    const ByteView rest = ByteView(tail).subspan(page);
    if (rest.size() < 27 || (rest[5] & kLastPage) == std::byte{0}) return tl::unexpected(cut_off());
    const auto segments = std::to_integer<size_t>(rest[26]);
    size_t length = 27 + segments;
    if (rest.size() < length) return tl::unexpected(cut_off());
    for (size_t i = 0; i < segments; ++i) length += std::to_integer<size_t>(rest[27 + i]);
    if (rest.size() < length) return tl::unexpected(cut_off());
    return AudioPlace{{}, headers};
}

}  // namespace

Result<AudioPlace> check_complete(ByteSource& source, MediaType type) {
    switch (type) {
        case MediaType::flac:
            return check_flac(source);
        case MediaType::mp4:
            return check_mp4(source);
        case MediaType::wav:
            return check_wav(source);
        case MediaType::vorbis:
            return check_ogg(source, 3);
        case MediaType::opus:
            return check_ogg(source, 2);
        case MediaType::mpeg:
            return check_mpeg(source);
        case MediaType::none:
            break;
    }
    return AudioPlace();
}

}  // namespace bae::node
