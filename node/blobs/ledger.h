#pragma once
// What is to be sent and fetched, what lies where, and why something waits: the tables of node/sql/0002_node.sql and
// `transfers`. All of it is local; losing it costs requests, not bytes. For one thread.
#include <filesystem>
#include <string>
#include <vector>

#include "node/blobs/blob.h"
#include "sync/database.h"

namespace bae::node {

struct QueuedBlob {
    Blob blob;
    std::filesystem::path path;  // of a file: where it lies here
    Bytes chunk_hashes;          // of a file
    bool carried = false;        // known to lie on the carrier
    std::string unsound;         // not empty: the row cannot stand for bytes, and this is why; only the ids are set
};

// What became of one blob.
struct BlobOutcome {
    enum class State {
        carried,  // it lies on the carrier; the queue is done with it
        fetched,  // it came from the carrier to this device
        waiting,  // stays queued; `reason` says for what
        refused,  // leaves the queue until it is imported again; `reason` says why
    };
    Blob blob;
    std::string blob_id;
    State state = State::waiting;
    bool up = true;
    std::string reason;
    std::filesystem::path path;  // of a refused file
};

class BlobLedger {
  public:
    BlobLedger(sync::Database& database, std::string carrier_url)
        : database_(database), carrier_(std::move(carrier_url)) {}

    // What is to be done, as of the last call of set_apart and the writes since.
    static Result<uint64_t> queued(sync::sqlite::Connection& connection);
    // At most `limit` of the queue with row ids after `after`. Rows that no longer stand for anything here are left
    // out.
    Result<std::vector<QueuedBlob>> batch(BlobKind kind, const std::string& after, size_t limit);
    Result<void> record(const std::vector<BlobOutcome>& outcomes);
    // Entries of rows that were removed, or of files that went, are set apart: they may come back, and then count
    // again.
    Result<void> set_apart();

    // Queues everything this device has and forgets what was known to lie on the carrier: it is new, or was emptied.
    static Result<void> start_over(sync::sqlite::Connection& connection, const std::string& carrier_url);

  private:
    Result<void> record(sync::sqlite::Connection& connection, const BlobOutcome& outcome);
    sync::Database& database_;
    std::string carrier_;
};

}  // namespace bae::node
