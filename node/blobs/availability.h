#pragma once
// What this device knows, without asking anybody, of where the audio of releases is.
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

// A release that some device cannot have as a whole now. Everything else is available: on the carrier, or here and not
// known to be wanted elsewhere.
struct UnavailableRelease {
    std::string id;
    std::string state;     // "uploading on study", "missing", or what the last attempt to fetch it said
    uint64_t waiting = 0;  // files that are why
};

struct LibraryAvailability {
    uint64_t releases = 0;
    uint64_t uploading = 0, missing = 0, failed = 0;  // releases
    bool more = false;  // these are the first thousand files looked at: a status must not read the whole library
    std::vector<UnavailableRelease> unavailable;  // missing before failed before uploading
};

// `self`: what this device is called. `carrier_url` empty: there is none, so that nothing is on its way.
Result<LibraryAvailability> availability_of_library(sync::sqlite::Connection& connection,
                                                    const std::string& carrier_url, const std::string& self);

// Why a blob that is neither here nor on the carrier is not: "uploading on {device}" while its author may still send
// it, "missing" if this device is its author, or nobody knows the author.
Result<std::string> absence_of(sync::sqlite::Connection& connection, const crypto::DeviceId& self,
                               std::string_view author_stamp);

}  // namespace bae::node
