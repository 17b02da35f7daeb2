#pragma once
// What waits, for people and programs: holds of the replica, files that cannot be sent or fetched, rows whose parent is
// gone.
#include <string>
#include <vector>

#include "node/output/json.h"
#include "sync/replica.h"

namespace bae::node {

struct Waiting {
    std::string subject, reason, message, release;  // `release`: what makes it go
};
Waiting waiting_of(const sync::Hold& hold);
Result<std::vector<Waiting>> waiting_blobs(sync::sqlite::Connection& connection);
Result<std::vector<Waiting>> waiting_rows(sync::Database& database);

JsonObject json_of(const Waiting& waiting);  // subject, reason, message
JsonObject json_of(const sync::Hold& hold);
JsonObject json_of(const sync::Alarm& alarm);
std::string text_of(const Waiting& waiting);  // one line, safe to show
std::string text_of(const sync::Hold& hold);

}  // namespace bae::node
