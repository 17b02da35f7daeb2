#pragma once
// The part of a sync that follows the rows: artwork both ways, then this device's audio to the carrier.
#include <string>
#include <vector>

#include "node/carrier.h"
#include "node/home.h"
#include "node/output/output.h"
#include "sync/replica.h"

namespace bae::node {

struct BlobReport {
    uint64_t sent = 0, fetched = 0;
    uint64_t waiting = 0;              // stay queued, reasons in `bae status`
    uint64_t own_waiting = 0;          // of them: this device's to send
    std::vector<std::string> refused;  // files that are not what was imported
};

struct BlobRound {
    sync::Database& database;
    sync::Replica& replica;
    Carrier* carrier = nullptr;  // null: only what is on this disk can be had, and nothing sent
    HomePaths home;
    crypto::DeviceId device;
    int workers = 1;
    Output& out;
};
// Everything that is queued; there is a carrier. An error of the carrier ends it after what was under way is recorded.
Result<BlobReport> sync_blobs(const BlobRound& round);

}  // namespace bae::node
