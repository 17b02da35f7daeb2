#pragma once
// Is there anything to send? For who watches a library from outside, on any connection to it.
#include "sync/sqlite/connection.h"

namespace bae::sync {

// Position in the outbox of the newest transaction that is in no object yet; 0: there is none.
Result<int64_t> newest_unsealed(sqlite::Connection& connection);

}  // namespace bae::sync
