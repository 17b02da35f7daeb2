#pragma once
// Does what this device takes to lie on its carrier still lie there? A lifecycle rule, a person, or a place that was
// emptied and filled anew by another device take blobs away without a word, and an idle sync asks for none of them.
#include <string>
#include <vector>

#include "node/blobs/send.h"

namespace bae::node {

enum class AuditDepth {
    listing,  // 1000 blobs per request: is it there, with its size?
    data,     // and what lies here as well is fetched and opened
};

struct BlobAudit {
    uint64_t blobs = 0;                 // taken to be carried, and looked for
    uint64_t to_send = 0;               // gone or damaged: queued, so that the next sync sends them
    uint64_t missing = 0;               // gone or damaged, and not here either
    std::vector<std::string> problems;  // one line each, safe to show
};

constexpr int64_t kAuditEveryMs = int64_t{7} * 24 * 60 * 60 * 1000;
Result<bool> audit_is_due(sync::sqlite::Connection& connection, const std::string& carrier_url, int64_t now_ms);

// There is a bucket, and it holds this library. A damaged blob is removed from it, because one that is there with the
// right size is not sent. Errors are about the carrier as a whole; what was found before is recorded.
Result<BlobAudit> audit_blobs(const BlobRound& round, AuditDepth depth);

}  // namespace bae::node
