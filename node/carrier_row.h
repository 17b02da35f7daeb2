#pragma once
// The row of a carrier in node/sql: which one is in use, and what is known of it.
#include <optional>
#include <string>

#include "s3/s3_bucket.h"
#include "sync/database.h"

namespace bae::node {

struct CarrierRow {
    std::string url;  // Place::url()
    s3::ConditionalPut conditional_put = s3::ConditionalPut::unknown;
    std::string region;     // learnt from the server; may be empty
    int64_t probed_ms = 0;  // 0: never
    bool operator==(const CarrierRow&) const = default;
};

Result<std::optional<CarrierRow>> current_carrier(sync::sqlite::Connection& connection);
// Makes it the one in use, and forgets what was known to lie there.
Result<void> use_carrier(sync::sqlite::Connection& connection, const CarrierRow& row);
// What was learnt of one that is in use.
Result<void> update_carrier(sync::sqlite::Connection& connection, const CarrierRow& row);

std::string_view to_string(s3::ConditionalPut conditional_put);  // "" for unknown
s3::ConditionalPut conditional_put_of(std::string_view text);

}  // namespace bae::node
