#include "node/import/media_type.h"

#include <algorithm>
#include <array>

#include "node/import/names.h"

namespace bae::node {
namespace {

bool starts_with(ByteView bytes, size_t at, std::string_view text) {
    return bytes.size() >= at + text.size() && as_text(bytes.subspan(at, text.size())) == text;
}
uint8_t octet(ByteView bytes, size_t at) { return std::to_integer<uint8_t>(bytes[at]); }
uint32_t little(ByteView bytes, size_t at, size_t count) {
    uint32_t value = 0;
    for (size_t i = count; i-- > 0;) value = value << 8 | octet(bytes, at + i);
    return value;
}
uint32_t big(ByteView bytes, size_t at, size_t count) {
    return static_cast<uint32_t>(read_big_endian(bytes.subspan(at, count)));
}

bool is_mpeg_layer3_header(ByteView b) {
    if (b.size() < 4 || octet(b, 0) != 0xff || (octet(b, 1) & 0xe0) != 0xe0) return false;
    const bool version_ok = (octet(b, 1) & 0x18) != 0x08;
    const bool layer_ok = (octet(b, 1) & 0x06) == 0x02;
    return version_ok && layer_ok && (octet(b, 2) & 0xf0) != 0xf0 && (octet(b, 2) & 0x0c) != 0x0c;
}

MediaType sniff_behind_id3(ByteView head, MediaType hint) {
    if (head.size() < 10) return MediaType::none;
    const size_t size = 10 + ((octet(head, 6) & 0x7fU) << 21 | (octet(head, 7) & 0x7fU) << 14 |
                              (octet(head, 8) & 0x7fU) << 7 | (octet(head, 9) & 0x7fU));
    if (starts_with(head, size, "fLaC")) return MediaType::flac;
    return hint == MediaType::flac && head.size() < size + 4 ? MediaType::flac : MediaType::mpeg;
}

std::optional<PictureFormat> sniff_jpeg(ByteView b) {
    PictureFormat found{"image/jpeg"};
    size_t at = 2;
    while (at + 9 <= b.size() && octet(b, at) == 0xff) {
        const uint8_t marker = octet(b, at + 1);
        const bool frame = marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
        if (frame) {
            found.height = big(b, at + 5, 2);
            found.width = big(b, at + 7, 2);
            break;
        }
        if (marker == 0xff)
            ++at;
        else
            at += 2 + std::max<size_t>(2, big(b, at + 2, 2));
    }
    return found;
}

std::optional<PictureFormat> sniff_webp(ByteView b) {
    PictureFormat found{"image/webp"};
    if (starts_with(b, 12, "VP8X") && b.size() >= 30) {
        found.width = little(b, 24, 3) + 1;
        found.height = little(b, 27, 3) + 1;
    } else if (starts_with(b, 12, "VP8L") && b.size() >= 25) {
        const uint32_t bits = little(b, 21, 4);
        found.width = (bits & 0x3fff) + 1;
        found.height = (bits >> 14 & 0x3fff) + 1;
    } else if (starts_with(b, 12, "VP8 ") && b.size() >= 30) {
        found.width = little(b, 26, 2) & 0x3fff;
        found.height = little(b, 28, 2) & 0x3fff;
    }
    return found;
}

template <size_t N>
bool contains(const std::array<std::string_view, N>& list, std::string_view extension) {
    return std::find(list.begin(), list.end(), ascii_lower(extension)) != list.end();
}

}  // namespace

MediaType sniff_audio(ByteView head, MediaType hint) {
    if (starts_with(head, 0, "fLaC")) return MediaType::flac;
    if (starts_with(head, 0, "ID3")) return sniff_behind_id3(head, hint);
    if (starts_with(head, 0, "OggS")) {
        if (starts_with(head, 28, "\x01vorbis")) return MediaType::vorbis;
        if (starts_with(head, 28, "OpusHead")) return MediaType::opus;
        return MediaType::none;
    }
    if (starts_with(head, 0, "RIFF") && starts_with(head, 8, "WAVE")) return MediaType::wav;
    if (starts_with(head, 4, "ftyp")) return MediaType::mp4;
    if (is_mpeg_layer3_header(head)) return MediaType::mpeg;
    return hint == MediaType::mpeg && !head.empty() ? MediaType::mpeg : MediaType::none;
}

MediaType audio_hint(std::string_view extension) {
    const std::string lower = ascii_lower(extension);
    if (lower == "flac") return MediaType::flac;
    if (lower == "mp3") return MediaType::mpeg;
    if (lower == "ogg" || lower == "oga") return MediaType::vorbis;
    if (lower == "opus") return MediaType::opus;
    if (lower == "m4a" || lower == "m4b" || lower == "mp4" || lower == "aac") return MediaType::mp4;
    if (lower == "wav" || lower == "wave") return MediaType::wav;
    return MediaType::none;
}

bool is_known_other(std::string_view extension) {
    static constexpr std::array<std::string_view, 34> kOther{
        "txt",  "log",     "cue", "m3u", "m3u8", "pls",  "nfo", "sfv", "md5", "ffp", "pdf", "html",
        "htm",  "url",     "ini", "db",  "xml",  "json", "zip", "rar", "7z",  "gz",  "exe", "accurip",
        "par2", "torrent", "mkv", "avi", "webm", "lrc",  "doc", "rtf", "bak", "tmp"};
    return contains(kOther, extension) || is_picture_extension(extension);
}

bool is_picture_extension(std::string_view extension) {
    static constexpr std::array<std::string_view, 6> kPictures{"jpg", "jpeg", "png", "webp", "gif", "bmp"};
    return contains(kPictures, extension);
}

std::optional<PictureFormat> sniff_picture(ByteView b) {
    if (starts_with(b, 0, "\xff\xd8\xff")) return sniff_jpeg(b);
    if (starts_with(b, 0, "\x89PNG\r\n\x1a\n") && b.size() >= 24)
        return PictureFormat{"image/png", big(b, 16, 4), big(b, 20, 4)};
    if ((starts_with(b, 0, "GIF87a") || starts_with(b, 0, "GIF89a")) && b.size() >= 10)
        return PictureFormat{"image/gif", little(b, 6, 2), little(b, 8, 2)};
    if (starts_with(b, 0, "RIFF") && starts_with(b, 8, "WEBP")) return sniff_webp(b);
    if (starts_with(b, 0, "BM") && b.size() >= 26)
        return PictureFormat{"image/bmp", little(b, 18, 4), little(b, 22, 4)};
    return std::nullopt;
}

}  // namespace bae::node
