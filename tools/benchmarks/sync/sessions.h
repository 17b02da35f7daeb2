#pragma once
// SQLite's own session extension, as the reference that capture, merge and log size are held against.
#include <memory>
#include <vector>

#include "sync/sqlite/connection.h"

namespace bae::benchmarks {

// The changesets of `count` batches, each written in a transaction of its own to a new database at `path`.
Result<std::vector<Bytes>> record_sessions(const std::filesystem::path& path, size_t count);
Result<void> apply_changeset(sync::sqlite::Connection& connection, const Bytes& changeset);

}  // namespace bae::benchmarks
