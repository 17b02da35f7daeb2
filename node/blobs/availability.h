#pragma once
// What this device knows, without asking anybody, of where a release's audio is.
#include <string>
#include <vector>

#include "sync/database.h"

namespace bae::node {

struct ReleaseAvailability {
    uint64_t files = 0;
    uint64_t here = 0;                 // on this disk
    uint64_t elsewhere = 0;            // not here; on the carrier or, as far as this device knows, soon
    std::vector<std::string> waiting;  // the last attempt found no bytes: "uploading on study", "missing"
    std::string text() const;          // "available", "3 of 12 here, ...", "uploading on study", "missing"
};

Result<ReleaseAvailability> availability_of(sync::sqlite::Connection& connection, const std::string& release_id);

// Why a blob that is neither here nor on the carrier is not: "uploading on {device}" while its author may still send
// it, "missing" if this device is its author, or nobody knows the author.
Result<std::string> absence_of(sync::sqlite::Connection& connection, const crypto::DeviceId& self,
                               std::string_view author_stamp);

}  // namespace bae::node
