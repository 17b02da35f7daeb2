#pragma once
// The library's database: the one way to write it, and what merging others' writes does to it. Any SQLite schema whose
// synced tables follow the rules below (sync/README.md gives the reasons):
//
//   - a table is synced if it has a `_updated_at TEXT NOT NULL` column; column 0 is `id TEXT PRIMARY KEY NOT NULL`
//   - no UNIQUE besides the primary key, no CHECK
//   - a foreign key means "belongs to": NOT NULL, references `id` of a synced table, indexed, ON DELETE CASCADE, no
//   cycles
//   - local tables have no foreign key into synced ones; triggers on synced tables write local tables only
//
// `open` refuses a schema that breaks them. Table names starting with `sync_` are this module's.
//
// Threads: all methods may be called from any thread; one write or merge runs at a time (in this process by a mutex,
// among processes by SQLite's lock). Several processes may have one library open. Connections handed to callbacks are
// for the duration of the callback.
//
// Errors: retry (locked, disk full), denied (read-only), corrupt, invalid_input (the callback's rows break a rule),
// upgrade_needed (the file was migrated by a newer program), and whatever the callback returns.
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "crypto/base/embedded.h"
#include "crypto/ids.h"
#include "sync/sqlite/connection.h"
#include "sync/stamp.h"
#include "sync/value.h"

namespace bae::sync {

// 128-bit sum over the merged state (sync/digest.h): equal on two devices exactly if their states are equal.
using Digest = FixedBytes<16>;

struct DatabaseOptions {
    std::filesystem::path path;
    // The application's schema: numbered migrations, in order; all are additive. Their number is the schema version.
    std::span<const EmbeddedFile> migrations;
    crypto::DeviceId device;
    Clock* clock = &system_clock();
};

struct Written {
    std::optional<std::string> stamp;  // absent: nothing synced changed, nothing will be sent
};

// What a commit touched, for subscribers in this process.
struct CommitEvent {
    bool merged = false;              // from another device
    std::vector<std::string> tables;  // synced tables touched
};

// A write of somebody that was replaced by one that had not seen it.
struct Conflict {
    std::string table, id, column;  // column "" is the row itself: it was deleted, or inserted twice
    std::string lost_stamp, won_stamp;
    Bytes lost_value;  // MessagePack; for column "": [[column, value]...]
};

// A row that is alive and not shown: a row it belongs to is not there, or (without a parent named) one of its values
// does not fit its column's type.
struct ParkedRow {
    std::string table, id;
    std::string parent_table, parent_id;
    bool parent_deleted = false;  // else it has not arrived
};

// --- what replication hands over -----------------------------------------------------------------------------------

struct SeenStamp {
    crypto::DeviceId device;
    Stamp stamp;
    bool operator==(const SeenStamp&) const = default;
};
struct OutboxTransaction {
    int64_t position = 0;
    Stamp stamp;
    std::vector<SeenStamp> seen;  // what its author had seen, as a difference to its transaction before
    Bytes changes;                // changes.h
    std::string message;          // for people
};
struct IncomingTransaction {
    Stamp stamp;
    std::vector<SeenStamp> seen;
    ByteView changes;
    std::string message;
};
struct IncomingObject {  // verified, its chain and its changes (check_changes) checked
    crypto::DeviceId stream;
    uint64_t number = 0;
    crypto::Hash256 hash;
    std::vector<IncomingTransaction> transactions;
    std::optional<crypto::DeviceId> continues;  // the stream this one goes on from (a copied installation)
    std::optional<crypto::Hash256> previous;    // hash of the object before it; checked against the cursor where given
};
struct StreamPosition {
    crypto::DeviceId device;
    uint64_t number = 0;
    crypto::Hash256 hash;
    std::optional<Stamp> last_stamp;  // of the newest transaction applied from it
};
struct MergeReport {
    uint64_t objects = 0, transactions = 0, rows = 0;
};

class Database {
  public:
    static Result<std::unique_ptr<Database>> open(const DatabaseOptions& options);
    virtual ~Database() = default;

    // --- writing
    // One transaction: BEGIN IMMEDIATE, fn, capture, outbox, COMMIT (synchronous=FULL). In fn the SQL function stamp()
    // returns the transaction's stamp; every inserted or updated synced row must carry it in `_updated_at`. An error
    // from fn, a broken rule, UPDATE of `id` or REPLACE on a synced table rolls everything back. Local tables may be
    // written too. `message` tells people what this was ("import of 12 releases").
    virtual Result<Written> write(std::string_view message,
                                  const std::function<Result<void>(sqlite::Connection&)>& fn) = 0;

    // --- reading
    // A read-only WAL connection from the pool, inside a read transaction: one consistent state until the lease ends.
    class Reader {
      public:
        sqlite::Connection& operator*() const { return *connection_; }
        sqlite::Connection* operator->() const { return connection_.get(); }
        ~Reader();
        Reader(Reader&&) noexcept = default;
        Reader& operator=(Reader&&) = delete;

      private:
        friend class DatabaseImpl;
        Reader(Database* home, std::unique_ptr<sqlite::Connection> connection)
            : home_(home), connection_(std::move(connection)) {}
        Database* home_;
        std::unique_ptr<sqlite::Connection> connection_;
    };
    virtual Result<Reader> read() = 0;
    virtual std::vector<std::string> synced_tables() const = 0;  // parents before children
    virtual uint32_t schema_version() const = 0;

    virtual Result<Digest> digest() = 0;
    virtual Result<Digest> recompute_digest() = 0;  // from the whole state; slow; for tests and `verify`
    virtual Result<std::vector<Conflict>> conflicts() = 0;
    virtual Result<std::vector<ParkedRow>> parked() = 0;
    // Deleted rows that rows of others belong to, which wait for them: in the form of conflicts (column ""), so that
    // restore_conflict inserts them again. Without values where this device never had the row.
    virtual Result<std::vector<Conflict>> deleted_parents() = 0;
    // Sets the lost value again, or inserts the deleted row again, as an own transaction.
    virtual Result<Written> restore_conflict(const Conflict& conflict) = 0;

    // --- events: called after a commit of this process, on the writing thread, without locks held.
    using Subscription = std::shared_ptr<void>;  // dropping it ends the calls
    virtual Subscription subscribe(std::function<void(const CommitEvent&)> callback) = 0;

    // --- replication
    // Transactions not yet part of an object, oldest first, up to about max_bytes (at least one).
    // Called inside replicate().
    virtual Result<std::vector<OutboxTransaction>> unsealed(sqlite::Connection& connection, size_t max_bytes) = 0;
    // Records that outbox rows up to `last_position` are in object `number`; they leave the outbox when it is confirmed
    // sent.
    virtual Result<void> mark_sealed(sqlite::Connection& connection, int64_t last_position, uint64_t number,
                                     const crypto::Hash256& hash) = 0;
    virtual Result<void> mark_sent(sqlite::Connection& connection, uint64_t number) = 0;  // this and lower numbers
    virtual Result<uint64_t> outbox_size() = 0;  // transactions not confirmed sent

    // A write transaction without capture, for replication's own tables (and sealing under the write lock).
    virtual Result<void> replicate(const std::function<Result<void>(sqlite::Connection&)>& fn) = 0;
    // Applies verified objects, each stream in its order, and moves the cursors, in one transaction with `also` (may be
    // empty). Objects at or below the cursor are skipped. Never produces an outgoing change.
    virtual Result<MergeReport> merge(std::span<const IncomingObject> objects,
                                      const std::function<Result<void>(sqlite::Connection&)>& also) = 0;
    virtual Result<std::vector<StreamPosition>> positions() = 0;
    virtual Result<Stamp> last_stamp() = 0;
    // Called inside replicate(), with its transaction: from its commit on stamps end with this id (a copied
    // installation became a new device). Processes that still run as the old device are refused (denied) when they
    // write.
    virtual Result<void> set_device(sqlite::Connection& connection, const crypto::DeviceId& device) = 0;
    // Gives every transaction that is in no object yet a fresh stamp of the present clock, and the clock itself is set
    // back to what was merged (a mended clock). The state is rebuilt from `applied`, which must call merge's callback
    // with every object applied so far, oldest first per stream. Returns how many were given a new stamp.
    using ReplayObjects =
        std::function<Result<void>(const std::function<Result<void>(std::span<const IncomingObject>)>&)>;
    virtual Result<uint64_t> restamp_unsent(const ReplayObjects& applied) = 0;
};

}  // namespace bae::sync
