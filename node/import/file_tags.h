#pragma once
// What the tags of one file say, in the library's words. MusicBrainz Picard's names in every format; values cleaned,
// checked and within limits, what is not usable left out with a note.
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "node/import/audio_file.h"

namespace bae::node {

constexpr size_t kMaxGenres = 16;
constexpr size_t kMaxArtists = 32;  // of one credit

struct Credit {
    std::string name;
    std::string mbid;  // "" if not tagged
    std::string sort_name;
    bool operator==(const Credit&) const = default;
};

struct FileTags {
    using Text = std::optional<std::string>;
    Text title, title_sort, artist_credit, disc_title, isrc, recording_mbid, track_mbid;
    Text album, album_sort, album_artist_credit, release_type, original_date, release_group_mbid;
    Text date, label, catalog_number, barcode, country, media, status, language, script, release_mbid, asin,
        discogs_release;
    std::optional<int64_t> disc, disc_count, number;
    bool compilation = false;
    std::optional<double> track_gain, track_peak, album_gain, album_peak;
    std::vector<Credit> artists, album_artists, composers, conductors, remixers, lyricists;
    std::vector<std::string> genres;
};

FileTags read_tags(const RawTags& raw, std::vector<std::string>& notes);

bool is_mbid(std::string_view text);

// The columns that come from tags. Their order is that of tag_marks and therefore fixed: new ones at the end.
using TagValue = std::variant<std::monostate, int64_t, double, std::string>;
struct TagColumn {
    std::string_view table;   // tracks, releases or albums; "" for what becomes rows of its own
    std::string_view column;  // or artists, album_artists, credits, genres
    TagValue (*value)(const FileTags&);
};
std::span<const TagColumn> tag_columns();

// 4 bytes per column: a hash of its value. Compared with those of the last import, they tell which tags a person
// changed in a file, so that a retagged file overwrites those columns and no edits made in the library.
Bytes tag_marks(const FileTags& tags);
// Indexes into tag_columns(). Columns that the older marks do not have yet count as unchanged.
std::vector<size_t> changed_columns(ByteView before, ByteView after);

}  // namespace bae::node
