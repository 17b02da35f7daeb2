#pragma once
// A bucket that is a directory: NAS, USB disk, or the local mirror. One file per object under `root`, written to a temporary
// name in root/.tmp and linked or renamed into place, file and directory fsynced. Safe with several processes. Names that
// are not object paths (foreign files, .tmp) are not listed.
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

// With `create` the root exists afterwards (denied, retry... name the directory otherwise). With must_exist the root is
// checked at every call, so a disk that goes away and comes back is noticed.
Result<std::unique_ptr<Bucket>> open_directory_bucket(DirectoryOptions options);

}  // namespace bae::s3
