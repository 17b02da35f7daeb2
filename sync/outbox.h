#pragma once
// The rows of the outbox and of the stream cursors as values, and the writing back of a lost value. Private to this
// folder.
#include "sync/schema.h"
#include "sync/seen.h"

namespace bae::sync {

Result<std::vector<OutboxTransaction>> outbox_unsealed(sqlite::Connection& connection, size_t max_bytes);

struct StreamCursor {
    uint64_t number = 0;
    crypto::Hash256 hash;
    std::optional<Stamp> last_stamp;
    SeenVector seen;  // by the author at its newest transaction applied here
};
Result<StreamCursor> load_cursor(sqlite::Connection& connection, const crypto::DeviceId& stream);
// Also raises what this device has seen by what the stream's author had.
Result<void> save_cursor(sqlite::Connection& connection, const crypto::DeviceId& stream, const StreamCursor& cursor);

// Inside a write: sets the lost value again, or inserts the deleted row again, the rows it belongs to first.
Result<void> restore_lost(sqlite::Connection& connection, const Schema& schema, const Conflict& conflict);

}  // namespace bae::sync
