#pragma once
// Brings a database's tables up to date: this module's own (sync/sql/*.sql, counted in sync_meta) and then the
// application's numbered migrations (counted in `PRAGMA user_version`). All are additive.
#include <span>

#include "crypto/base/embedded.h"
#include "sync/sqlite/connection.h"

namespace bae::sync {

std::span<const EmbeddedFile> embedded_sql();  // sync/sql

// upgrade_needed if the file was migrated by a newer program.
Result<void> migrate(sqlite::Connection& connection, std::span<const EmbeddedFile> application);

}  // namespace bae::sync
