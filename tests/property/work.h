#pragma once
// What a random transaction does to the tables of schema.h.
#include "property/rng.h"
#include "sync/sqlite/connection.h"

namespace bae::property {

// One to four operations, or many rows at once; now and then some that are rolled back to a savepoint.
Result<void> random_work(sync::sqlite::Connection& connection, uint32_t version, Rng& rng);

}  // namespace bae::property
