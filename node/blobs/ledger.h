#pragma once
// What is to be sent and fetched, what lies where, and why something waits: the tables of node/sql/0002_node.sql and
// `transfers`. All of it is local; losing it costs requests, not bytes. For one thread.
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "node/blobs/blob.h"
#include "sync/database.h"

namespace bae::node {

struct QueueEntry {
    std::string row_id;
    uint64_t size = 0;  // as its row says it
};

struct QueuedBlob {
    Blob blob;
    std::filesystem::path path;  // of a file: where it lies here
    Bytes chunk_hashes;          // of a file; empty if it was fetched: they are taken when they are needed
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
    Bytes chunk_hashes;          // taken anew, to be kept; else empty
};

class BlobLedger {
  public:
    BlobLedger(sync::Database& database, std::string carrier_url)
        : database_(database), carrier_(std::move(carrier_url)) {}

    // What is to be done, as of the last call of set_apart and the writes since.
    static Result<uint64_t> queued(sync::sqlite::Connection& connection);
    // The queue as it is now, release by release; what could not be sent before comes last, the most often tried at the
    // very end, so that it never stands before anything else.
    Result<std::vector<QueueEntry>> queue(BlobKind kind);
    // Of these. Rows that no longer stand for anything here are left out.
    Result<std::vector<QueuedBlob>> load(BlobKind kind, std::span<const QueueEntry> entries);
    Result<void> record(const std::vector<BlobOutcome>& outcomes);
    Result<void> record(sync::sqlite::Connection& connection, const BlobOutcome& outcome);
    // Entries of rows that were removed, or of files that went, are set apart: they may come back, and then count
    // again.
    Result<void> set_apart();

    // It does not lie on the carrier as it should, whatever is remembered.
    Result<void> send_again(sync::sqlite::Connection& connection, BlobKind kind, const std::string& row_id);
    // It lies on the carrier: what was said of an attempt to fetch it is over.
    static Result<void> forget_absence(sync::sqlite::Connection& connection, const std::string& row_id);

    // Queues everything this device has and forgets what was known to lie on the carrier: it is new, or was emptied.
    static Result<void> start_over(sync::sqlite::Connection& connection, const std::string& carrier_url);

  private:
    sync::Database& database_;
    std::string carrier_;
};

}  // namespace bae::node
