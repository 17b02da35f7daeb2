#pragma once
// Import: folders of music become rows. Looks for files, skips those it knows by size, time and inode, reads the others
// once (hash, chunk hashes, tags, properties, pictures), groups them into releases and writes these in batches, each
// batch one transaction.
//
// The same files again change nothing. Files that moved are recognised by content; files that went are marked, never
// deleted; files that changed update what their tags changed; damaged files are reported and do not stop the rest. Tags
// in files are never written. A killed import is continued by running it again: what was committed is skipped.
//
// Threads: starts `threads` readers (std::jthread) that end before it returns; the database is written by the calling
// thread, which also runs the callbacks. Other threads and processes may write the library meanwhile.
#include <functional>
#include <string>
#include <vector>

#include "node/import/scan.h"
#include "sync/database.h"

namespace bae::node {

struct ImportProgress {
    enum class Phase { looking, reading, finishing };
    Phase phase = Phase::looking;
    uint64_t files_done = 0, files_total = 0;  // of those that must be read
    uint64_t bytes_done = 0, bytes_total = 0;
    std::string current;  // a path; bytes, show it escaped
};

struct ImportOptions {
    std::vector<std::string> paths;  // folders or files
    std::optional<std::string>
        copy_to;              // an existing directory: copy the files there and keep the copies in the library
    std::string artwork_dir;  // existing; pictures are stored there as ab/<hash in hex>
    std::optional<std::string> key_epoch;  // of new releases: the library's current key, in hex
    bool dry_run = false;                  // says what would happen; nothing is written, copied or stored
    bool again = false;                    // read files too that are known and unchanged; brings removed releases back
    unsigned threads = 0;                  // readers; 0: one per processor
    std::function<void(const ImportProgress&)> on_progress;  // about ten times a second
    std::function<bool()> cancelled;                         // also called from readers
};

// A release that the import added or changed.
struct ImportedRelease {
    enum class What { added, joined, updated };  // joined: files were added to a release that was there
    What what = What::added;
    std::string id, title, artist;
    size_t tracks = 0;  // added or updated
};

struct ImportReport {
    uint64_t releases = 0, tracks = 0, files = 0;  // added
    uint64_t updated = 0;                          // files whose tags changed
    uint64_t known = 0;                            // files whose content was in the library already, at another place
    uint64_t skipped_unchanged = 0;
    uint64_t moved = 0;
    uint64_t missing = 0;  // files of an earlier import that are no longer in these folders, marked now
    std::vector<ImportedRelease> changes;
    std::vector<FailedFile> failed;  // by path
    std::vector<FailedFile> notes;   // path, what was left out or clipped
};

// not_found, denied: a path cannot be imported; cancelled: what was committed stays; what Database::write returns.
Result<ImportReport> run_import(sync::Database& database, const ImportOptions& options);

// Where a picture of this hash lies below artwork_dir.
std::string artwork_path(const std::string& artwork_dir, const crypto::Hash256& hash);

}  // namespace bae::node
