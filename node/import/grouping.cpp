#include "node/import/grouping.h"

#include <algorithm>
#include <map>

#include "crypto/hash.h"
#include "node/import/names.h"

namespace bae::node {
namespace {

constexpr size_t kPlaceBytes = 16;
constexpr size_t kArtistBytes = 8;

// "Album (Disc 2)" is the album "Album".
std::string_view without_disc(std::string_view title) {
    const std::optional<DiscSuffix> suffix = disc_suffix(title);
    return suffix && !suffix->rest.empty() ? suffix->rest : title;
}

// "07 - Title" -> 7 and where the title begins. Years and titles like "1999" are none.
std::pair<std::optional<int64_t>, std::string_view> leading_number(std::string_view stem) {
    size_t digits = 0;
    while (digits < stem.size() && stem[digits] >= '0' && stem[digits] <= '9') ++digits;
    if (digits == 0 || digits > 3 || digits == stem.size()) return {std::nullopt, stem};
    const size_t text = stem.find_first_not_of(" ._-)", digits);
    if (text == digits || text == std::string_view::npos) return {std::nullopt, stem};
    const int64_t number = std::stoi(std::string(stem.substr(0, digits)));
    return {number > 0 ? std::optional(number) : std::nullopt, stem.substr(text)};
}

std::string_view stem_of(std::string_view path) {
    const std::string_view name = file_name(path);
    const std::string_view ending = extension(name);
    return ending.empty() ? name : name.substr(0, name.size() - ending.size() - 1);
}

bool before(const ImportFile& a, const ImportFile& b) {
    const auto position = [](const ImportFile& f) { return std::pair(f.disc(), f.number().value_or(INT64_MAX)); };
    const auto pa = position(a), pb = position(b);
    return pa != pb ? pa < pb : a.source < b.source;
}

void name_album(ReleaseGroup& group) {
    for (const ImportFile& file : group.files) {
        if (!file.read.tags.album) continue;
        group.album_title = without_disc(*file.read.tags.album);
        return;
    }
    group.titled_by_folder = true;
    group.album_title = clean_text(file_name(group.folder));
    if (group.album_title.empty()) group.album_title = "Untitled";
}

// Without an album artist: the artist of more than half of the files, else several.
void credit_by_tracks(ReleaseGroup& group) {
    std::map<std::string, size_t> counts;
    for (const ImportFile& file : group.files) {
        if (!file.read.tags.artists.empty()) ++counts[normalised(file.read.tags.artists[0].name)];
    }
    if (counts.empty()) return;
    const auto most = std::max_element(counts.begin(), counts.end(),
                                       [](const auto& a, const auto& b) { return a.second < b.second; });
    if (!group.compilation && 2 * most->second > group.files.size()) {
        for (const ImportFile& file : group.files) {
            if (file.read.tags.artists.empty() || normalised(file.read.tags.artists[0].name) != most->first) continue;
            group.artists = {file.read.tags.artists[0]};
            group.artist_credit = group.artists[0].name;
            return;
        }
    }
    group.compilation = group.compilation || counts.size() > 1;
    if (!group.compilation) return;
    group.artist_credit = kVariousArtists;
    group.artists = {Credit{std::string(kVariousArtists), "", ""}};
}

void credit_album(ReleaseGroup& group) {
    group.compilation = std::any_of(group.files.begin(), group.files.end(),
                                    [](const ImportFile& f) { return f.read.tags.compilation; });
    for (const ImportFile& file : group.files) {
        const FileTags& tags = file.read.tags;
        if (!tags.album_artist_credit || tags.album_artists.empty()) continue;
        group.artist_credit = *tags.album_artist_credit;
        group.artists = tags.album_artists;
        return;
    }
    credit_by_tracks(group);
}

}  // namespace

int64_t ImportFile::disc() const {
    if (read.tags.disc) return *read.tags.disc;
    return folder_disc > 0 ? folder_disc : 1;
}

std::optional<int64_t> ImportFile::number() const {
    return read.tags.number ? read.tags.number : leading_number(stem_of(source)).first;
}

std::string ImportFile::title() const {
    if (read.tags.title) return *read.tags.title;
    const std::string title = clean_text(leading_number(stem_of(source)).second);
    return title.empty() ? "Untitled" : title;
}

crypto::Hash256 content_hash_of(std::vector<crypto::Hash256> hashes) {
    std::sort(hashes.begin(), hashes.end());
    Bytes all;
    for (const auto& hash : hashes) append(all, hash.view());
    return crypto::sha256(all);
}

crypto::Hash256 ReleaseGroup::content_hash() const {
    std::vector<crypto::Hash256> hashes;
    for (const ImportFile& file : files) hashes.push_back(file.read.hash);
    return content_hash_of(std::move(hashes));
}

std::vector<std::string> ReleaseGroup::common_genres() const {
    std::vector<std::string> common = files[0].read.tags.genres;
    for (const ImportFile& file : files) {
        std::erase_if(common, [&](const std::string& genre) {
            const auto& of_file = file.read.tags.genres;
            return std::none_of(of_file.begin(), of_file.end(),
                                [&](const auto& other) { return normalised(other) == normalised(genre); });
        });
    }
    return common;
}

Bytes group_key(const std::string& folder, const FileTags& tags) {
    Bytes parts;
    append_sized(parts, as_bytes(folder));
    if (tags.release_mbid) {
        append_sized(parts, as_bytes("musicbrainz"));
        append_sized(parts, as_bytes(*tags.release_mbid));
    } else if (tags.album) {
        append_sized(parts, as_bytes("album"));
        append_sized(parts, as_bytes(normalised(without_disc(*tags.album))));
    }
    Bytes key = to_bytes(crypto::sha256(parts).view().first(kPlaceBytes));
    if (!tags.release_mbid && tags.album && tags.album_artist_credit) {
        const std::string artist = normalised(*tags.album_artist_credit);
        append(key, crypto::sha256(as_bytes(artist)).view().first(kArtistBytes));
    }
    return key;
}

ByteView without_artist(ByteView key) { return key.first(std::min(key.size(), kPlaceBytes)); }

bool keys_agree(ByteView a, ByteView b) {
    if (a.size() < kPlaceBytes || b.size() < kPlaceBytes) return true;
    if (!equal(without_artist(a), without_artist(b))) return false;
    return a.size() == kPlaceBytes || b.size() == kPlaceBytes || equal(a, b);
}

namespace {

using Groups = std::map<Bytes, ReleaseGroup>;

// A shorter key stands right before the longer ones that begin with it.
void join_unnamed(Groups& groups) {
    for (auto at = groups.begin(); at != groups.end();) {
        const auto unnamed = at++;
        if (unnamed->first.size() != kPlaceBytes || at == groups.end() || !keys_agree(unnamed->first, at->first))
            continue;
        const auto next = std::next(at);
        if (next != groups.end() && keys_agree(unnamed->first, next->first)) continue;
        std::vector<ImportFile>& files = unnamed->second.files;
        std::move(files.begin(), files.end(), std::back_inserter(at->second.files));
        groups.erase(unnamed);
    }
}

}  // namespace

std::vector<ReleaseGroup> group_files(const std::string& folder, std::vector<ImportFile> files) {
    Groups groups;
    for (ImportFile& file : files) {
        Bytes key = group_key(folder, file.read.tags);
        groups[std::move(key)].files.push_back(std::move(file));
    }
    join_unnamed(groups);
    std::vector<ReleaseGroup> out;
    for (auto& [key, group] : groups) {
        group.key = key;
        group.folder = folder;
        std::sort(group.files.begin(), group.files.end(), before);
        name_album(group);
        credit_album(group);
        out.push_back(std::move(group));
    }
    // by path, because that is the order people see happening
    std::sort(out.begin(), out.end(),
              [](const auto& a, const auto& b) { return a.files[0].source < b.files[0].source; });
    return out;
}

}  // namespace bae::node
