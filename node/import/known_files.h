#pragma once
// What this device knows of files already: as one map per import, the quick check that makes a second import of an
// unchanged library cost no more than looking at it; and file by file, what became of one that has to be read.
#include <string>
#include <unordered_map>
#include <vector>

#include "node/import/grouping.h"
#include "sync/sqlite/connection.h"

namespace bae::node {

struct ImportOptions;

struct KnownFile {
    FileIdentity identity;
    bool present = false, missing = false;  // else damaged or changed
    bool was_read = false;                  // by an import; what `get` put there was not
    bool found = false;                     // the scan met it
};
using KnownFiles = std::unordered_map<std::string, KnownFile>;

// Of local_files at and below the roots.
Result<KnownFiles> known_files(sync::sqlite::Connection& reader, const std::vector<std::string>& roots);
// Of sources that were copied and whose copies are there.
Result<KnownFiles> known_sources(sync::sqlite::Connection& reader, const std::vector<std::string>& roots);

struct Unchanged {
    uint64_t skipped = 0;
    std::vector<std::string> back;  // were missing, are as they were imported
};
// Removes from `scan` what is as it was and marks what was found. What was found damaged is read again: only its bytes
// can tell that it is well.
Unchanged drop_unchanged(Scan& scan, KnownFiles& known);

// What an earlier import made of a file.
struct ImportedFile {
    std::string path;  // where it, or its copy, lies
    std::string file_id, release_id;
    crypto::Hash256 hash;
    Bytes tag_marks, audio_mark, group_key;
};
// By where it lies in the library.
Result<std::optional<ImportedFile>> imported_at(sync::sqlite::Connection& connection, const std::string& path);
// By the source it was copied from; nothing if others were copied to the same place.
Result<std::optional<ImportedFile>> imported_from(sync::sqlite::Connection& connection, const std::string& source);

// Takes out of the group, and names, the files whose bytes changed without a reason to believe that somebody meant it:
// the sound is another, and either no tag changed or there is less of it. Their rows must keep the good hash. A file
// that was named itself in an import of everything again is believed.
Result<std::vector<FailedFile>> take_damaged(sync::sqlite::Connection& reader, ReleaseGroup& group,
                                             const ImportOptions& options);

}  // namespace bae::node
