#pragma once
// Finds what an import may read: a walk over folders, in the order of their names' bytes, that opens no file. What
// systems keep beside music (".DS_Store", "._*", ".Trash*", ".git" ...) is skipped; other hidden names are not. Links
// are followed after everything real, each directory once, so that loops end and the result does not depend on the
// order the file system lists names in.
#include <functional>
#include <string>
#include <vector>

#include "node/import/file_reader.h"

namespace bae::node {

struct FoundFile {
    std::string path;
    FileIdentity identity;
    MediaType hint = MediaType::none;  // none: the name says nothing, the content has to
    bool named = false;                // itself, not by a folder it lies in
};

// The files that can be one release: a folder with its disc folders ("CD1", "Disc 2") joined.
struct FoundFolder {
    std::string path;              // of the folder; for "Album (Disc 1)" beside "Album (Disc 2)" that of "Album"
    std::vector<FoundFile> files;  // by path
    std::vector<std::string>
        pictures;  // by preference: cover, folder, front, album; then the rest if it is the only one
};

struct FailedFile {
    std::string path;
    std::string reason;
    bool operator==(const FailedFile&) const = default;
};

struct Scan {
    std::vector<FoundFolder> folders;  // by path
    std::vector<FailedFile> failed;
    uint64_t files = 0, bytes = 0;
};

// Roots are folders or files; they are made absolute and free of links. A root that is not there is an error
// (not_found), so that an unmounted disk does not look like an empty one.
Result<Scan> scan_paths(const std::vector<std::string>& roots, const std::function<bool()>& cancelled);
Result<std::string> real_path(const std::string& path);

// Where a file's release lives, by its path alone: the parent folder without disc folders; and which disc the folder
// says.
struct ReleaseFolder {
    std::string path;
    int disc = 0;  // 0: it does not say
};
ReleaseFolder release_folder(std::string_view file_path);

}  // namespace bae::node
