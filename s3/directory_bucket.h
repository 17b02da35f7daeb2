#pragma once
// A bucket that is a directory: NAS, USB disk, or the local mirror. One file per object under `root`, written to a
// temporary name in root/.tmp and linked or renamed into place, file and directory fsynced. Safe with several
// processes. Names that are not object paths (foreign files, .tmp) are not listed.
#include <filesystem>
#include <memory>

#include "s3/bucket.h"

namespace bae::s3 {

enum class RootPolicy {
    create,      // make the root if it is missing (bucket use, init)
    must_exist,  // a missing root is `retry`: "not reachable (is the disk mounted?)", never an empty bucket
};
enum class Durability {
    synced,    // every write is fsynced (file and directory) before it returns
    unsynced,  // for copies that can be fetched again; a power cut may lose or truncate them
};

struct DirectoryOptions {
    std::filesystem::path root;
    RootPolicy policy = RootPolicy::must_exist;
    Durability durability = Durability::synced;
};

// With `create` the root exists afterwards (denied, retry... name the directory otherwise) and temporary files that
// crashed programs left more than a day ago are gone. With must_exist a missing root is no error here. Either way the
// root is checked at every call and never made again, so a disk that goes away and comes back is noticed. A root that
// is no directory is invalid_input.
//
// Inside the root no symbolic link is followed and only regular files are objects: reads of anything else say
// not_found, writes onto it or through it say conflict. Removing the last object of a directory leaves the directory.
Result<std::unique_ptr<Bucket>> open_directory_bucket(DirectoryOptions options);

}  // namespace bae::s3
