#include "node/import/file_tags.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include "node/import/names.h"

namespace bae::node {
namespace {

using Text = FileTags::Text;
using Values = std::vector<std::string>;

constexpr int64_t kMaxNumber = 99999;

class Reader {
  public:
    Reader(const RawTags& raw, Values& notes) : raw_(raw), notes_(notes) {}

    // All values of the first name that has any.
    Values all(std::initializer_list<std::string_view> names, size_t limit) const {
        Values out;
        for (const auto name : names) {
            const auto found =
                std::find_if(raw_.begin(), raw_.end(), [&](const auto& tag) { return tag.first == name; });
            if (found == raw_.end()) continue;
            for (const std::string& value : found->second) {
                std::string text = clean(value, found->first);
                if (!text.empty() && out.size() < limit) out.push_back(std::move(text));
            }
            if (!out.empty()) break;
        }
        return out;
    }
    Text first(std::initializer_list<std::string_view> names) const {
        Values values = all(names, 1);
        return values.empty() ? Text() : Text(std::move(values[0]));
    }
    Text lower(std::initializer_list<std::string_view> names) const {
        Text text = first(names);
        if (text) *text = ascii_lower(*text);
        return text;
    }
    Text joined(std::initializer_list<std::string_view> names) const {
        Text out;
        for (const std::string& value : all(names, kMaxArtists)) out = out ? *out + "; " + value : value;
        return out;
    }
    // "3", "03/12", "3 of 12": the number in front.
    std::optional<int64_t> number(std::initializer_list<std::string_view> names) const {
        const Text text = first(names);
        return text ? whole_number(*text) : std::nullopt;
    }
    // What stands behind the slash of "3/12".
    std::optional<int64_t> total(std::string_view name) const {
        const Text text = first({name});
        const size_t slash = text ? text->find('/') : std::string::npos;
        return slash == std::string::npos ? std::nullopt : whole_number(std::string_view(*text).substr(slash + 1));
    }
    // "-7.43 dB"
    std::optional<double> decimal(std::initializer_list<std::string_view> names) const {
        const Text text = first(names);
        if (!text) return std::nullopt;
        const char* start = text->data() + (text->starts_with('+') ? 1 : 0);
        double value = 0;
        const auto [end, error] = std::from_chars(start, text->data() + text->size(), value);
        if (error != std::errc() || !std::isfinite(value) || std::abs(value) > 1000) return std::nullopt;
        return value;
    }
    Text mbid(std::initializer_list<std::string_view> names) const {
        const Values ids = mbids(names);
        return ids.empty() ? Text() : Text(ids[0]);
    }
    Values mbids(std::initializer_list<std::string_view> names) const {
        Values out;
        for (const std::string& value : all(names, kMaxArtists)) {
            for (std::string& part : split_ids(value)) {
                if (is_mbid(part))
                    out.push_back(std::move(part));
                else
                    notes_.push_back("not a MusicBrainz id: " + part.substr(0, 60));
            }
        }
        return out;
    }
    // "1997-06-16T00:00:00" -> "1997-06-16"; nothing if no year stands in front.
    Text date(std::initializer_list<std::string_view> names) const {
        const Text text = first(names);
        if (!text) return {};
        constexpr std::string_view kForm = "dddd-dd-dd";
        size_t good = 0;
        while (good < kForm.size() && good < text->size()) {
            const char c = (*text)[good];
            if (kForm[good] == 'd' ? (c < '0' || c > '9') : c != '-') break;
            ++good;
        }
        const size_t length = good >= 10 ? 10 : good >= 7 ? 7 : good >= 4 ? 4 : 0;
        if (length == 0 || text->starts_with("0000")) return {};
        return text->substr(0, length);
    }

  private:
    std::string clean(const std::string& value, const std::string& name) const {
        if (value.size() > kMaxTextBytes)
            notes_.push_back("the tag " + name.substr(0, 40) + " is clipped to " + std::to_string(kMaxTextBytes) +
                             " bytes");
        return clean_text(value);
    }
    static std::optional<int64_t> whole_number(std::string_view text) {
        while (text.starts_with(' ')) text.remove_prefix(1);
        int64_t value = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (error != std::errc() || value <= 0 || value > kMaxNumber) return std::nullopt;
        return value;
    }
    // ID3v2.3 has one value only: Picard writes "id; id" or "id/id" there.
    static Values split_ids(std::string_view text) {
        Values out;
        while (!text.empty()) {
            const size_t end = text.find_first_of(";/, ");
            if (end != 0) out.push_back(ascii_lower(text.substr(0, end)));
            if (end == std::string_view::npos) break;
            text.remove_prefix(end + 1);
        }
        return out;
    }

    const RawTags& raw_;
    Values& notes_;
};

// Names with their ids where there are as many of both; a single name takes the first id only if there is just one.
std::vector<Credit> credits(const Values& names, const Values& mbids, const Values& sorts) {
    std::vector<Credit> out;
    for (size_t i = 0; i < names.size() && i < kMaxArtists; ++i) {
        Credit credit{names[i], mbids.size() == names.size() ? mbids[i] : "",
                      sorts.size() == names.size() ? sorts[i] : ""};
        const bool twice = std::any_of(out.begin(), out.end(), [&](const Credit& c) {
            return credit.mbid.empty() ? normalised(c.name) == normalised(credit.name) : c.mbid == credit.mbid;
        });
        if (!twice) out.push_back(std::move(credit));
    }
    return out;
}

void read_credits(const Reader& from, FileTags& tags) {
    tags.artist_credit = from.joined({"ARTIST"});
    tags.album_artist_credit = from.joined({"ALBUMARTIST", "ALBUM ARTIST"});
    tags.artists = credits(from.all({"ARTISTS", "ARTIST"}, kMaxArtists), from.mbids({"MUSICBRAINZARTISTID"}),
                           from.all({"ARTISTSORT"}, kMaxArtists));
    tags.album_artists = credits(from.all({"ALBUMARTISTS", "ALBUMARTIST"}, kMaxArtists),
                                 from.mbids({"MUSICBRAINZALBUMARTISTID"}), from.all({"ALBUMARTISTSORT"}, kMaxArtists));
    tags.composers = credits(from.all({"COMPOSER"}, kMaxArtists), {}, from.all({"COMPOSERSORT"}, kMaxArtists));
    tags.conductors = credits(from.all({"CONDUCTOR"}, kMaxArtists), {}, {});
    tags.remixers = credits(from.all({"REMIXER", "MIXARTIST"}, kMaxArtists), {}, {});
    tags.lyricists = credits(from.all({"LYRICIST"}, kMaxArtists), {}, {});
}

void read_track(const Reader& from, FileTags& tags) {
    tags.title = from.first({"TITLE"});
    tags.title_sort = from.first({"TITLESORT"});
    tags.number = from.number({"TRACKNUMBER", "TRACK"});
    tags.disc = from.number({"DISCNUMBER", "DISC"});
    tags.disc_count = from.total("DISCNUMBER");
    if (!tags.disc_count) tags.disc_count = from.number({"DISCTOTAL", "TOTALDISCS"});
    tags.disc_title = from.first({"DISCSUBTITLE"});
    tags.isrc = from.first({"ISRC"});
    tags.recording_mbid = from.mbid({"MUSICBRAINZTRACKID", "MUSICBRAINZRECORDINGID"});
    tags.track_mbid = from.mbid({"MUSICBRAINZRELEASETRACKID"});
}

void read_release(const Reader& from, FileTags& tags) {
    tags.album = from.first({"ALBUM"});
    tags.album_sort = from.first({"ALBUMSORT"});
    tags.date = from.date({"DATE", "YEAR", "RELEASEDATE"});
    tags.original_date = from.date({"ORIGINALDATE", "ORIGINALYEAR"});
    tags.label = from.joined({"LABEL", "PUBLISHER", "ORGANIZATION"});
    tags.catalog_number = from.joined({"CATALOGNUMBER"});
    tags.barcode = from.first({"BARCODE", "UPC", "EAN"});
    tags.country = from.first({"RELEASECOUNTRY", "MUSICBRAINZALBUMRELEASECOUNTRY"});
    tags.media = from.first({"MEDIA"});
    tags.status = from.lower({"RELEASESTATUS", "MUSICBRAINZALBUMSTATUS"});
    tags.release_type = from.joined({"RELEASETYPE", "MUSICBRAINZALBUMTYPE"});
    if (tags.release_type) *tags.release_type = ascii_lower(*tags.release_type);
    tags.language = from.first({"LANGUAGE"});
    tags.script = from.first({"SCRIPT"});
    tags.release_mbid = from.mbid({"MUSICBRAINZALBUMID"});
    tags.release_group_mbid = from.mbid({"MUSICBRAINZRELEASEGROUPID"});
    tags.asin = from.first({"ASIN"});
    tags.discogs_release = from.first({"DISCOGSRELEASEID"});
    const Text compilation = from.lower({"COMPILATION", "ITUNESCOMPILATION"});
    tags.compilation = compilation == "1" || compilation == "true" || compilation == "yes";
}

// Opus has its gains as Q7.8 against -23 LUFS (RFC 7845, 5.2.1); ReplayGain 2 counts from -18.
std::optional<double> r128(const std::optional<double>& gain) {
    if (!gain) return std::nullopt;
    return *gain / 256 + 5;
}

void read_gains(const Reader& from, FileTags& tags) {
    tags.track_gain = from.decimal({"REPLAYGAINTRACKGAIN"});
    tags.track_peak = from.decimal({"REPLAYGAINTRACKPEAK"});
    tags.album_gain = from.decimal({"REPLAYGAINALBUMGAIN"});
    tags.album_peak = from.decimal({"REPLAYGAINALBUMPEAK"});
    if (!tags.track_gain) tags.track_gain = r128(from.decimal({"R128TRACKGAIN"}));
    if (!tags.album_gain) tags.album_gain = r128(from.decimal({"R128ALBUMGAIN"}));
}

void add_genre(std::vector<std::string>& genres, std::string_view part) {
    const std::string genre = clean_text(part, 100);
    const bool there =
        std::any_of(genres.begin(), genres.end(), [&](const auto& g) { return normalised(g) == normalised(genre); });
    if (!genre.empty() && !there && genres.size() < kMaxGenres) genres.push_back(genre);
}

// Many files have several genres in one value.
std::vector<std::string> split_genres(const Values& values) {
    std::vector<std::string> out;
    for (const std::string& value : values) {
        std::string_view rest = value;
        while (!rest.empty()) {
            const size_t end = rest.find(';');
            add_genre(out, rest.substr(0, end));
            if (end == std::string_view::npos) break;
            rest.remove_prefix(end + 1);
        }
    }
    return out;
}

TagValue value_of(const Text& text) { return text ? TagValue(*text) : TagValue(); }
TagValue value_of(const std::optional<int64_t>& number) { return number ? TagValue(*number) : TagValue(); }
TagValue value_of(const std::optional<double>& number) { return number ? TagValue(*number) : TagValue(); }
TagValue value_of(bool flag) { return TagValue(static_cast<int64_t>(flag)); }
TagValue value_of(const std::vector<std::string>& texts) {
    std::string out;
    for (const auto& text : texts) out += text + '\n';
    return out.empty() ? TagValue() : TagValue(out);
}
TagValue value_of(const std::vector<Credit>& list) {
    std::string out;
    for (const auto& credit : list) out += credit.name + '\t' + credit.mbid + '\t' + credit.sort_name + '\n';
    return out.empty() ? TagValue() : TagValue(out);
}

template <auto Member>
TagValue member(const FileTags& tags) {
    return value_of(tags.*Member);
}
TagValue all_credits(const FileTags& tags) {
    std::string out;
    for (const auto* list : {&tags.composers, &tags.conductors, &tags.remixers, &tags.lyricists}) {
        const TagValue value = value_of(*list);
        if (const auto* text = std::get_if<std::string>(&value)) out += *text;
        out += '\f';
    }
    return out;
}

constexpr std::array kColumns{
    TagColumn{"tracks", "title", member<&FileTags::title>},
    TagColumn{"tracks", "sort_title", member<&FileTags::title_sort>},
    TagColumn{"tracks", "artist_credit", member<&FileTags::artist_credit>},
    TagColumn{"tracks", "disc", member<&FileTags::disc>},
    TagColumn{"tracks", "disc_title", member<&FileTags::disc_title>},
    TagColumn{"tracks", "number", member<&FileTags::number>},
    TagColumn{"tracks", "recording_mbid", member<&FileTags::recording_mbid>},
    TagColumn{"tracks", "track_mbid", member<&FileTags::track_mbid>},
    TagColumn{"tracks", "isrc", member<&FileTags::isrc>},
    TagColumn{"tracks", "track_gain", member<&FileTags::track_gain>},
    TagColumn{"tracks", "track_peak", member<&FileTags::track_peak>},
    TagColumn{"releases", "date", member<&FileTags::date>},
    TagColumn{"releases", "label", member<&FileTags::label>},
    TagColumn{"releases", "catalog_number", member<&FileTags::catalog_number>},
    TagColumn{"releases", "barcode", member<&FileTags::barcode>},
    TagColumn{"releases", "country", member<&FileTags::country>},
    TagColumn{"releases", "media", member<&FileTags::media>},
    TagColumn{"releases", "status", member<&FileTags::status>},
    TagColumn{"releases", "language", member<&FileTags::language>},
    TagColumn{"releases", "script", member<&FileTags::script>},
    TagColumn{"releases", "disc_count", member<&FileTags::disc_count>},
    TagColumn{"releases", "mbid", member<&FileTags::release_mbid>},
    TagColumn{"releases", "album_gain", member<&FileTags::album_gain>},
    TagColumn{"releases", "album_peak", member<&FileTags::album_peak>},
    TagColumn{"albums", "title", member<&FileTags::album>},
    TagColumn{"albums", "sort_title", member<&FileTags::album_sort>},
    TagColumn{"albums", "artist_credit", member<&FileTags::album_artist_credit>},
    TagColumn{"albums", "release_type", member<&FileTags::release_type>},
    TagColumn{"albums", "original_date", member<&FileTags::original_date>},
    TagColumn{"albums", "is_compilation", member<&FileTags::compilation>},
    TagColumn{"albums", "mbid", member<&FileTags::release_group_mbid>},
    TagColumn{"", "artists", member<&FileTags::artists>},
    TagColumn{"", "album_artists", member<&FileTags::album_artists>},
    TagColumn{"", "credits", all_credits},
    TagColumn{"", "genres", member<&FileTags::genres>},
};

// FNV-1a. Not a secret and not a key: two values that collide only mean that one edit of a tag goes unnoticed.
class Mark {
  public:
    void add(std::string_view bytes) {
        for (const char c : bytes) state_ = (state_ ^ static_cast<unsigned char>(c)) * 16777619U;
    }
    uint32_t value() const { return state_; }

  private:
    uint32_t state_ = 2166136261U;
};

uint32_t mark_of(const TagValue& value) {
    Mark mark;
    if (const auto* text = std::get_if<std::string>(&value))
        mark.add(*text);
    else if (const auto* number = std::get_if<int64_t>(&value))
        mark.add(std::to_string(*number));
    else if (const auto* real = std::get_if<double>(&value))
        mark.add(std::to_string(*real));
    mark.add({"0123", value.index()});  // the kind, so that "" is not NULL
    return mark.value();
}

}  // namespace

bool is_mbid(std::string_view text) {
    if (text.size() != 36) return false;
    for (size_t i = 0; i < text.size(); ++i) {
        const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        const bool hex = (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f');
        if (dash ? text[i] != '-' : !hex) return false;
    }
    return true;
}

FileTags read_tags(const RawTags& raw, std::vector<std::string>& notes) {
    FileTags tags;
    const Reader from(raw, notes);
    read_track(from, tags);
    read_credits(from, tags);
    read_release(from, tags);
    read_gains(from, tags);
    tags.genres = split_genres(from.all({"GENRE"}, kMaxTagValues));
    return tags;
}

std::span<const TagColumn> tag_columns() { return kColumns; }

Bytes tag_marks(const FileTags& tags) {
    Bytes out(4 * kColumns.size());
    for (size_t i = 0; i < kColumns.size(); ++i)
        write_big_endian(ByteSpan(out).subspan(4 * i, 4), mark_of(kColumns[i].value(tags)));
    return out;
}

std::vector<size_t> changed_columns(ByteView before, ByteView after) {
    std::vector<size_t> out;
    for (size_t i = 0; i < kColumns.size() && 4 * i + 4 <= before.size() && 4 * i + 4 <= after.size(); ++i) {
        if (!equal(before.subspan(4 * i, 4), after.subspan(4 * i, 4))) out.push_back(i);
    }
    return out;
}

}  // namespace bae::node
