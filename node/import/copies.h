#pragma once
// Where copies get their names: Artist/Album (Year)/[Disc-]Number Title.ext below one directory, from tags, made safe.
// The bytes are there already, under a temporary name, hashed and fsynced.
#include "node/import/grouping.h"
#include "sync/sqlite/connection.h"

namespace bae::node {

// Sets each file's `path` and identity to its copy. A copy of the same bytes that stands there or that the library has
// below `directory` is used instead of another one.
Result<void> place_copies(sync::sqlite::Connection& reader, const std::string& directory, ReleaseGroup& group);

// What a killed import left. Files younger than a day may belong to one that runs.
void remove_stale_copies(const std::string& directory);

}  // namespace bae::node
