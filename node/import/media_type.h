#pragma once
// What a file is, by its first bytes; names are hints only. Pure functions over bytes from outside: they look at what
// is there and never beyond.
#include <cstdint>
#include <optional>
#include <string_view>

#include "crypto/base/bytes.h"

namespace bae::node {

enum class MediaType { none, flac, mpeg, vorbis, opus, mp4, wav };

constexpr size_t kSniffBytes = 64;

// `hint`: what the extension says; decides only where the bytes leave it open (MP3 behind an ID3 tag or junk).
MediaType sniff_audio(ByteView head, MediaType hint);
MediaType audio_hint(std::string_view extension);  // by extension, any case; none if it is no audio extension
bool is_known_other(std::string_view extension);   // texts, pictures, playlists ...: not worth opening
bool is_picture_extension(std::string_view extension);

struct PictureFormat {
    std::string_view mime;
    uint32_t width = 0, height = 0;  // 0: the header does not tell
    bool operator==(const PictureFormat&) const = default;
};
std::optional<PictureFormat> sniff_picture(ByteView bytes);  // JPEG, PNG, GIF, WebP, BMP

}  // namespace bae::node
