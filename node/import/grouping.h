#pragma once
// Which files are one release, and what is said of it as a whole. A file's group key is a function of its folder and
// its own tags alone, so neither the order of reading nor an import in several parts changes what belongs together.
#include <memory>
#include <string>
#include <vector>

#include "node/import/scan.h"

namespace bae::node {

constexpr std::string_view kVariousArtists = "Various Artists";

struct ImportFile {
    std::string source;  // where it was read
    std::string path;    // where it lies in the library: the source, or the copy
    FileIdentity source_identity;
    int folder_disc = 0;
    bool named = false;  // itself, not by a folder it lies in
    ReadFile read;

    int64_t disc() const;                   // tag, else folder, else 1
    std::optional<int64_t> number() const;  // tag, else the digits in front of the file's name
    std::string title() const;              // tag, else the file's name
};

struct StoredPicture {
    crypto::Hash256 hash;
    int64_t size = 0;
    PictureFormat format;
};

struct ReleaseGroup {
    Bytes key;                      // of all its files, see group_key
    std::string folder;             // of the files; bytes
    std::vector<ImportFile> files;  // by disc, number, path
    std::optional<StoredPicture> picture;

    // What the album is called and by whom, from all files.
    std::string album_title;
    bool titled_by_folder = false;  // no file names an album
    std::string artist_credit;      // "" if nobody is named
    std::vector<Credit> artists;
    bool compilation = false;  // tagged as one, or by several artists without an album artist

    crypto::Hash256 content_hash() const;  // crypto.md: SHA-256 of the ascending file hashes, duplicates kept
    // The first file that has the tag.
    template <auto Member>
    auto first() const {
        for (const ImportFile& file : files) {
            if (file.read.tags.*Member) return file.read.tags.*Member;
        }
        return std::decay_t<decltype(files[0].read.tags.*Member)>();
    }
    std::vector<std::string> common_genres() const;  // of every file
};

// 16 bytes for the folder and the MusicBrainz release, else the album's title, else nothing; behind those of a title 8
// for the album artist, if one is named.
Bytes group_key(const std::string& folder, const FileTags& tags);
// Whether files of these keys can be of one release: equal, or one names no album artist. No key (a file that no import
// has read) says nothing.
bool keys_agree(ByteView a, ByteView b);
ByteView without_artist(ByteView key);
// By key; files that name no album artist go to the only one of their album that others name. `folder` is what scan
// found the files under.
std::vector<ReleaseGroup> group_files(const std::string& folder, std::vector<ImportFile> files);
crypto::Hash256 content_hash_of(std::vector<crypto::Hash256> file_hashes);

}  // namespace bae::node
