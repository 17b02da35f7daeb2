#pragma once
// What this device knows of files already, as one map per import: the quick check that makes a second import of an
// unchanged library cost no more than looking at it.
#include <string>
#include <unordered_map>
#include <vector>

#include "node/import/scan.h"
#include "sync/sqlite/connection.h"

namespace bae::node {

struct KnownFile {
    FileIdentity identity;
    bool present = false;  // else missing, damaged or changed
    bool found = false;    // the scan met it
};
using KnownFiles = std::unordered_map<std::string, KnownFile>;

// Of local_files at and below the roots.
Result<KnownFiles> known_files(sync::sqlite::Connection& reader, const std::vector<std::string>& roots);
// Of sources that were copied and whose copies are there.
Result<KnownFiles> known_sources(sync::sqlite::Connection& reader, const std::vector<std::string>& roots);

struct Unchanged {
    uint64_t skipped = 0;
    std::vector<std::string> back;  // were missing or damaged, are as they were imported
};
// Removes from `scan` what is as it was and marks what was found.
Unchanged drop_unchanged(Scan& scan, KnownFiles& known);

}  // namespace bae::node
