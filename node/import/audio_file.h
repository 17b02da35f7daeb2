#pragma once
// What a parser finds in one audio file: properties, raw tags, the front cover. The bytes come from outside: limits
// apply before anything is kept, and what is over them is left out with a note.
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "node/import/byte_source.h"
#include "node/import/media_type.h"

namespace bae::node {

constexpr size_t kMaxPictureBytes = 32 << 20;
constexpr size_t kMaxTagNames = 512;
constexpr size_t kMaxTagValues = 64;  // of one name

struct AudioProperties {
    std::string_view codec;      // flac, mp3, vorbis, opus, aac, alac, pcm
    std::string_view container;  // flac, mpeg, ogg, mp4, wav
    int sample_rate = 0;
    int bits_per_sample = 0;  // 0: lossy
    int channels = 0;
    int bitrate = 0;  // kbit/s
    int64_t length_ms = 0;
    std::optional<int64_t> audio_offset;  // FLAC
    Bytes seek_table;                     // FLAC; the form of audio_formats.seek_table
};

struct Picture {
    Bytes bytes;
    bool front = false;
};

// Names in upper case without blanks and underscores ("MUSICBRAINZALBUMID"), so that one name serves all tag formats;
// values as found, UTF-8 as far as the parser could tell.
using RawTags = std::vector<std::pair<std::string, std::vector<std::string>>>;

// Where the sound lies: what is left of a file without its tags. By rising offset.
struct AudioExtent {
    uint64_t begin = 0, end = 0;
    bool operator==(const AudioExtent&) const = default;
};
struct AudioPlace {
    std::vector<AudioExtent> extents;
    // Ogg: pages of which so many packets are headers, with the tags among them. They are cut anew when tags grow, so
    // that no fixed extent is the sound.
    int ogg_headers = 0;
};

struct AudioFile {
    AudioPlace place;
    AudioProperties properties;
    RawTags tags;
    std::optional<Picture> picture;  // the front cover, else the first
    std::vector<std::string> notes;  // for people
};

// corrupt: not what its first bytes say, no audio in it, or cut off.
Result<AudioFile> parse_audio(ByteSource& source, MediaType type);

// FLAC metadata that the tag parser does not show (flac_blocks.cpp).
struct FlacLayout {
    int64_t audio_offset = 0;
    uint64_t block_samples = 0;  // of the largest frame; where frames are numbered, of every one but the last
    uint64_t total_samples = 0;  // 0: the encoder did not know
    Bytes seek_table;
};
Result<FlacLayout> read_flac_layout(ByteSource& source);
// Whether the frames before `end` go on to the last sample and the last of them is whole (flac_frames.cpp).
bool flac_is_whole(ByteSource& source, const FlacLayout& layout, uint64_t end);

// The place of the sound; corrupt if the container itself says that bytes are missing at the end (container_check.cpp).
Result<AudioPlace> check_complete(ByteSource& source, MediaType type);

}  // namespace bae::node
