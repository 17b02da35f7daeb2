#pragma once
// The part of a sync that follows the rows: artwork both ways, then this device's audio to the carrier.
#include <functional>
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
    std::vector<std::string> kept;     // what was said of the first few of this device's that wait
    bool stopped = false;              // by BlobRound::stop
    bool elsewhere = false;            // there is audio to send, and another process is at it
};

struct BlobRound {
    sync::Database& database;
    sync::Replica& replica;
    s3::Bucket* bucket = nullptr;  // null: only what is on this disk can be had, and nothing sent
    std::string carrier_url;
    HomePaths home;
    crypto::DeviceId device;
    int workers = 1;
    Output& out;
    bool artwork = true, audio = true;  // which of them
    std::function<bool()> stop = {};    // ends it early once this is true; what is left stays queued
};
// Everything that is queued, and what comes to be queued meanwhile; there is a bucket. Rows do not wait for it: one
// process of a home sends audio (blobs.lock), any other goes on without. What the carrier says of one file is that
// file's outcome; an error ends the round, after what was under way is recorded, once it is about the carrier as a
// whole (carrier_health.h), or this device's database; where
// it takes nothing from this device, all of it waits.
Result<BlobReport> sync_blobs(const BlobRound& round);

}  // namespace bae::node
