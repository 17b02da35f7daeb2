#include "sync/database.h"

#include <fmt/core.h>

#include <algorithm>
#include <mutex>
#include <set>

#include "crypto/base/crash_point.h"
#include "sync/capture.h"
#include "sync/merger.h"
#include "sync/migrations.h"
#include "sync/outbox.h"

namespace bae::sync {

using sqlite::Connection;
using sqlite::OpenMode;
using sqlite::Transaction;

namespace {

// A connection that writes, with what belongs to it.
struct Writer {
    std::unique_ptr<Connection> connection;
    std::unique_ptr<RowStore> rows;
    std::unique_ptr<LostWrites> lost;
};

Result<void> set_pragmas(Connection& c, bool foreign_keys) {
    TRY(
        c.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY; PRAGMA cache_size "
                  "= -65536"));
    return c.execute(foreign_keys ? "PRAGMA foreign_keys = ON" : "PRAGMA foreign_keys = OFF");
}

struct Meta {
    Stamp last;
    DigestSum digest;
};

Result<Meta> load_meta(Connection& c) {
    Meta meta;
    if (const auto last = TRY(c.text("SELECT value FROM sync_meta WHERE key = 'last_stamp'")))
        meta.last = TRY(Stamp::parse(*last));
    if (const auto digest = TRY(c.text("SELECT value FROM sync_meta WHERE key = 'digest'"))) {
        Digest bytes;
        TRY(hex_decode_into(*digest, bytes.bytes));
        meta.digest = DigestSum(bytes);
    }
    return meta;
}

Result<void> save_meta(Connection& c, const Meta& meta) {
    constexpr std::string_view kSql =
        "INSERT INTO sync_meta (key, value) VALUES (?, ?) ON CONFLICT(key) DO UPDATE SET value = excluded.value";
    TRY(c.run(kSql, "last_stamp", meta.last.text()));
    return c.run(kSql, "digest", hex_encode(meta.digest.digest().view()));
}

bool later(const Stamp& a, const Stamp& b) { return a.ms != b.ms ? a.ms > b.ms : a.counter > b.counter; }

}  // namespace

class DatabaseImpl : public Database {
  public:
    explicit DatabaseImpl(const DatabaseOptions& options) : options_(options), device_(options.device) {}

    Result<void> start() {
        local_.connection = TRY(Connection::open(options_.path, OpenMode::create));
        recorder_ = std::make_unique<sqlite::Recorder>(*local_.connection);
        TRY(local_.connection->define("stamp", [this] { return stamp_text_; }));
        TRY(set_pragmas(*local_.connection, true));
        TRY(migrate(*local_.connection, options_.migrations));
        schema_ = TRY(read_schema(*local_.connection));
        local_.rows = std::make_unique<RowStore>(*local_.connection, schema_);
        local_.lost = std::make_unique<LostWrites>(*local_.connection);
        return settle_after_upgrade();
    }

    Result<Written> write(std::string_view message, const std::function<Result<void>(Connection&)>& fn) override {
        CommitEvent event;
        Written written;
        {
            const std::lock_guard lock(mutex_);
            written = TRY(write_locked(message, fn, event));
        }
        if (written.stamp) publish(event);
        return written;
    }

    Result<Reader> read() override;
    void give_back(std::unique_ptr<Connection> connection) {
        const std::lock_guard lock(pool_mutex_);
        if (pool_.size() < 4) pool_.push_back(std::move(connection));
    }

    std::vector<std::string> synced_tables() const override {
        std::vector<std::string> out;
        for (const SyncedTable& t : schema_.tables) out.push_back(t.name);
        return out;
    }
    uint32_t schema_version() const override { return static_cast<uint32_t>(options_.migrations.size()); }

    Result<Digest> digest() override {
        auto reader = TRY(read());
        return TRY(load_meta(*reader)).digest.digest();
    }
    Result<Digest> recompute_digest() override;
    Result<std::vector<Conflict>> conflicts() override;
    Result<std::vector<ParkedRow>> parked() override;
    Result<std::vector<Conflict>> deleted_parents() override;
    Result<Written> restore_conflict(const Conflict& conflict) override;

    Subscription subscribe(std::function<void(const CommitEvent&)> callback) override {
        auto subscription = std::make_shared<std::function<void(const CommitEvent&)>>(std::move(callback));
        const std::lock_guard lock(pool_mutex_);
        subscribers_.emplace_back(subscription);
        return subscription;
    }

    Result<std::vector<OutboxTransaction>> unsealed(Connection& c, size_t max_bytes) override {
        return outbox_unsealed(c, max_bytes);
    }
    Result<void> mark_sealed(Connection& c, int64_t last_position, uint64_t number,
                             const crypto::Hash256& hash) override {
        return c.run(
            "UPDATE sync_outbox SET object_number = ?, object_hash = ? WHERE object_number IS NULL AND position <= ?",
            number, hash.view(), last_position);
    }
    Result<void> mark_sent(Connection& c, uint64_t number) override {
        return c.run("DELETE FROM sync_outbox WHERE object_number <= ?", number);
    }
    Result<uint64_t> outbox_size() override {
        auto reader = TRY(read());
        return static_cast<uint64_t>(TRY(reader->integer("SELECT count(*) FROM sync_outbox")).value_or(0));
    }

    Result<void> replicate(const std::function<Result<void>(Connection&)>& fn) override {
        const std::lock_guard lock(mutex_);
        Writer& w = TRY(merging());
        auto transaction = TRY(Transaction::begin(*w.connection, Transaction::Kind::write));
        TRY(check_version(*w.connection));
        next_device_.reset();
        TRY(fn(*w.connection));
        TRY(transaction.commit());
        if (next_device_) device_ = *next_device_;
        return {};
    }
    Result<MergeReport> merge(std::span<const IncomingObject> objects,
                              const std::function<Result<void>(Connection&)>& also) override;
    Result<std::vector<StreamPosition>> positions() override;
    Result<Stamp> last_stamp() override {
        auto reader = TRY(read());
        return TRY(load_meta(*reader)).last;
    }
    Result<void> set_device(Connection& c, const crypto::DeviceId& device) override {
        device_ = device;
        return c.run(
            "INSERT INTO sync_meta (key, value) VALUES ('device', ?) ON CONFLICT(key) DO UPDATE SET value = "
            "excluded.value",
            device.text());
    }
    Result<uint64_t> restamp_unsent(const ReplayObjects& applied) override;

  private:
    struct Unrecorded {  // the recorder stops and stamp() loses its value however a write ends
        DatabaseImpl& home;
        ~Unrecorded() {
            (void)home.recorder_->end();
            home.stamp_text_.clear();
        }
    };

    std::reference_wrapper<Writer> local() { return local_; }

    // Merging runs without foreign keys: SQLite's cascade would delete rows that are alive.
    Result<std::reference_wrapper<Writer>> merging() {
        if (!merging_.connection) {
            auto connection = TRY(Connection::open(options_.path, OpenMode::read_write));
            TRY(set_pragmas(*connection, false));
            merging_.rows = std::make_unique<RowStore>(*connection, schema_);
            merging_.lost = std::make_unique<LostWrites>(*connection);
            merging_.connection = std::move(connection);
        }
        return std::ref(merging_);
    }

    Result<void> check_version(Connection& c) const {
        const auto version = TRY(c.integer("PRAGMA user_version")).value_or(0);
        if (version == static_cast<int64_t>(options_.migrations.size())) return {};
        return fail(
            ErrorKind::upgrade_needed,
            "a newer version of the program has upgraded this library while this one was running: start the newer one");
    }

    Result<void> check_device(Connection& c) const {
        const auto device = TRY(c.text("SELECT value FROM sync_meta WHERE key = 'device'"));
        if (!device || *device == device_.text()) return {};
        return fail(
            ErrorKind::denied,
            "this installation has become another device since this program started: run `bae sync`, then try again");
    }

    Result<void> settle_after_upgrade();
    Result<Written> write_locked(std::string_view message, const std::function<Result<void>(Connection&)>& fn,
                                 CommitEvent& event);
    Result<void> record(Connection& c, std::string_view message, const Captured& captured, Meta& meta);
    Result<void> apply(Writer& w, Merger& merger, const IncomingObject& object, Meta& meta, MergeReport& report);
    Result<void> wipe_state(Connection& c);
    Result<uint64_t> restamp(Writer& w, Meta& meta, SeenVector seen);

    void publish(const CommitEvent& event) {
        std::vector<std::shared_ptr<std::function<void(const CommitEvent&)>>> live;
        {
            const std::lock_guard lock(pool_mutex_);
            std::erase_if(subscribers_, [](const auto& weak) { return weak.expired(); });
            for (const auto& weak : subscribers_)
                if (auto subscriber = weak.lock()) live.push_back(std::move(subscriber));
        }
        for (const auto& subscriber : live) (*subscriber)(event);
    }

    DatabaseOptions options_;
    crypto::DeviceId device_;
    std::optional<crypto::DeviceId> next_device_;  // from the commit of the running replicate() on
    Schema schema_;
    std::mutex mutex_;  // one write or merge at a time
    Writer local_, merging_;
    std::unique_ptr<sqlite::Recorder> recorder_;
    std::string stamp_text_;
    std::mutex pool_mutex_;  // pool_, subscribers_
    std::vector<std::unique_ptr<Connection>> pool_;
    std::vector<std::weak_ptr<std::function<void(const CommitEvent&)>>> subscribers_;
};

Result<std::unique_ptr<Database>> Database::open(const DatabaseOptions& options) {
    auto database = std::make_unique<DatabaseImpl>(options);
    TRY_CONTEXT(database->start(), options.path.string());
    return std::unique_ptr<Database>(std::move(database));
}

// --- reading --------------------------------------------------------------------------------------------------------

Database::Reader::~Reader() {
    if (!connection_) return;
    if (connection_->in_transaction()) (void)connection_->run("COMMIT");
    static_cast<DatabaseImpl*>(home_)->give_back(std::move(connection_));
}

Result<Database::Reader> DatabaseImpl::read() {
    std::unique_ptr<Connection> connection;
    {
        const std::lock_guard lock(pool_mutex_);
        if (!pool_.empty()) {
            connection = std::move(pool_.back());
            pool_.pop_back();
        }
    }
    if (!connection) connection = TRY(Connection::open(options_.path, OpenMode::read_only));
    TRY(connection->run("BEGIN"));
    return Reader(this, std::move(connection));
}

Result<Digest> DatabaseImpl::recompute_digest() {
    auto reader = TRY(read());
    RowStore rows(*reader, schema_);
    DigestSum sum;
    DigestTerms terms;
    TRY(rows.each([&](std::string_view table, std::string_view id, const RowState& row) {
        add_to_digest(sum, terms, table, id, row);
        return Result<void>();
    }));
    return sum.digest();
}

Result<std::vector<Conflict>> DatabaseImpl::conflicts() {
    auto reader = TRY(read());
    RowStore rows(*reader, schema_);
    LostWrites lost(*reader);
    return lost.list(schema_, [&](std::string_view table, std::string_view id) { return rows.load(table, id); });
}

Result<std::vector<ParkedRow>> DatabaseImpl::parked() {
    auto reader = TRY(read());
    std::vector<ParkedRow> out;
    TRY(
        reader->each("SELECT p.tbl, p.id, p.parent_tbl, p.parent_id, (SELECT existence = 2 FROM sync_hidden h WHERE "
                     "h.tbl = p.parent_tbl AND h.id = p.parent_id) "
                     "FROM sync_parked p ORDER BY p.tbl, p.id, p.parent_tbl, p.parent_id",
                     [&](const sqlite::Statement& s) {
                         out.push_back({s.string(0), s.string(1), s.string(2), s.string(3), s.integer(4) != 0});
                     }));
    // Only the missing parents are of interest: a row may have others that are there.
    std::vector<ParkedRow> missing;
    std::set<std::pair<std::string, std::string>> explained;
    for (ParkedRow& row : out) {
        const bool there =
            TRY(reader->integer(fmt::format("SELECT 1 FROM \"{}\" WHERE id = ?", row.parent_table), row.parent_id))
                .has_value();
        if (there) continue;
        explained.emplace(row.table, row.id);
        missing.push_back(std::move(row));
    }
    TRY(reader->each("SELECT tbl, id FROM sync_hidden WHERE existence = 1 ORDER BY tbl, id", [&](const auto& s) {
        if (schema_.find(s.text(0)) < 0 || explained.contains({s.string(0), s.string(1)})) return;
        missing.push_back({s.string(0), s.string(1), "", "", false});
    }));
    return missing;
}

Result<std::vector<Conflict>> DatabaseImpl::deleted_parents() {
    auto reader = TRY(read());
    std::vector<Conflict> out;
    TRY(
        reader->each("SELECT DISTINCT p.parent_tbl, p.parent_id, g.stamp, h.row_stamp, g.columns FROM sync_parked p "
                     "JOIN sync_hidden h ON h.tbl = p.parent_tbl AND h.id = p.parent_id AND h.existence = 2 "
                     "LEFT JOIN sync_graves g ON g.tbl = p.parent_tbl AND g.id = p.parent_id ORDER BY 1, 2",
                     [&](const sqlite::Statement& s) {
                         out.push_back({s.string(0), s.string(1), "", s.string(2), s.string(3), to_bytes(s.blob(4))});
                     }));
    return out;
}

// --- writing --------------------------------------------------------------------------------------------------------

Result<Written> DatabaseImpl::write_locked(std::string_view message, const std::function<Result<void>(Connection&)>& fn,
                                           CommitEvent& event) {
    Connection& c = *local_.connection;
    auto transaction = TRY(Transaction::begin(c, Transaction::Kind::write));
    TRY(check_version(c));
    TRY(check_device(c));
    Meta meta = TRY(load_meta(c));
    meta.last = TRY(next_stamp(meta.last, options_.clock->now_ms(), device_));
    const Unrecorded guard{*this};
    stamp_text_ = meta.last.text();
    recorder_->begin(schema_, stamp_text_);
    TRY(fn(c));
    if (!c.in_transaction()) return fail(ErrorKind::invalid_input, "the callback of a write ended its transaction");
    TRY(recorder_->end());
    Captured captured;
    if (!recorder_->empty()) {
        TRY(local_.rows->begin());
        TRY(local_.lost->begin());
        captured = TRY(capture(*recorder_, stamp_text_, {c, schema_, *local_.rows, *local_.lost, meta.digest}));
    }
    Written written;
    if (!captured.changes.empty()) {
        CRASH_POINT("write: captured");
        TRY(record(c, message, captured, meta));
        CRASH_POINT("write: before commit");
        written.stamp = stamp_text_;
        event.tables = std::move(captured.tables);
    }
    TRY(transaction.commit());
    CRASH_POINT("write: after commit");
    return written;
}

// The outbox row, and what this transaction's author had seen.
Result<void> DatabaseImpl::record(Connection& c, std::string_view message, const Captured& captured, Meta& meta) {
    SeenVector all;
    SeenVector news;
    TRY(c.each("SELECT stamp, told IS NOT stamp FROM sync_seen", [&](const sqlite::Statement& s) -> Result<void> {
        const Stamp seen = TRY(Stamp::parse(s.text(0)));
        all.raise(seen);
        if (s.integer(1) != 0 && seen.device != device_) news.raise(seen);
        return {};
    }));
    TRY(local_.lost->remember(stamp_text_, all));
    TRY(c.run("INSERT INTO sync_outbox (stamp, seen, changes, message) VALUES (?, ?, ?, ?)", stamp_text_, news.encode(),
              captured.changes, message));
    TRY(c.run("UPDATE sync_seen SET told = stamp WHERE told IS NOT stamp"));
    TRY(
        c.run("INSERT INTO sync_seen (device, stamp, told) VALUES (?1, ?2, ?2) ON CONFLICT(device) DO UPDATE SET stamp "
              "= ?2, told = ?2",
              device_.text(), stamp_text_));
    return save_meta(c, meta);
}

Result<Written> DatabaseImpl::restore_conflict(const Conflict& conflict) {
    return write("restored a lost value", [&](Connection& c) { return restore_lost(c, schema_, conflict); });
}

// --- merging --------------------------------------------------------------------------------------------------------

Result<MergeReport> DatabaseImpl::merge(std::span<const IncomingObject> objects,
                                        const std::function<Result<void>(Connection&)>& also) {
    MergeReport report;
    CommitEvent event{true, {}};
    {
        const std::lock_guard lock(mutex_);
        Writer& w = TRY(merging());
        Connection& c = *w.connection;
        auto transaction = TRY(Transaction::begin(c, Transaction::Kind::write));
        TRY(check_version(c));
        Meta meta = TRY(load_meta(c));
        TRY(w.rows->begin());
        TRY(w.lost->begin());
        Merger merger(schema_, *w.rows, *w.lost, meta.digest);
        for (const IncomingObject& object : objects) TRY(apply(w, merger, object, meta, report));
        if (also) TRY(also(c));
        if (report.objects > 0) TRY(save_meta(c, meta));
        CRASH_POINT("merge: before commit");
        TRY(transaction.commit());
        CRASH_POINT("merge: after commit");
        report.rows = merger.rows_applied();
        event.tables = merger.tables();
    }
    if (!event.tables.empty()) publish(event);
    return report;
}

Result<void> DatabaseImpl::apply(Writer& w, Merger& merger, const IncomingObject& object, Meta& meta,
                                 MergeReport& report) {
    Connection& c = *w.connection;
    StreamCursor cursor = TRY(load_cursor(c, object.stream));
    if (object.number <= cursor.number) return {};
    if (object.number != cursor.number + 1 || (object.previous && *object.previous != cursor.hash)) {
        return fail(ErrorKind::retry, fmt::format("another process has applied other objects of device {}: sync again",
                                                  object.stream.text()));
    }
    if (cursor.number == 0 && object.continues) cursor.seen = TRY(load_cursor(c, *object.continues)).seen;
    for (const IncomingTransaction& t : object.transactions) {
        const std::string stamp = t.stamp.text();
        cursor.seen.raise(t.seen);
        TRY(w.lost->remember(stamp, cursor.seen));
        TRY(merger.apply(stamp, t.changes, cursor.seen));
        cursor.seen.raise(t.stamp);
        cursor.last_stamp = t.stamp;
        if (later(t.stamp, meta.last)) meta.last = t.stamp;
        report.transactions++;
    }
    cursor.number = object.number;
    cursor.hash = object.hash;
    report.objects++;
    return save_cursor(c, object.stream, cursor);
}

Result<std::vector<StreamPosition>> DatabaseImpl::positions() {
    auto reader = TRY(read());
    std::vector<StreamPosition> out;
    TRY(reader->each("SELECT device, number, hash, last_stamp FROM sync_streams ORDER BY device",
                     [&](const sqlite::Statement& s) -> Result<void> {
                         StreamPosition p{TRY(crypto::DeviceId::parse(s.text(0))), static_cast<uint64_t>(s.integer(1)),
                                          TRY(crypto::Hash256::from(s.blob(2))), std::nullopt};
                         if (!s.is_null(3)) p.last_stamp = TRY(Stamp::parse(s.text(3)));
                         out.push_back(std::move(p));
                         return {};
                     }));
    return out;
}

// --- upgrade and mended clocks --------------------------------------------------------------------------------------

Result<void> DatabaseImpl::settle_after_upgrade() {
    Connection& c = *local_.connection;
    const auto known = TRY(c.text("SELECT value FROM sync_meta WHERE key = 'schema'"));
    if (known == schema_.fingerprint) return {};
    const std::lock_guard lock(mutex_);
    Writer& w = TRY(merging());
    auto transaction = TRY(Transaction::begin(*w.connection, Transaction::Kind::write));
    TRY(w.rows->begin());
    TRY(w.rows->settle_all());
    TRY(w.connection->run(
        "INSERT INTO sync_meta (key, value) VALUES ('schema', ?) ON CONFLICT(key) DO UPDATE SET value = excluded.value",
        schema_.fingerprint));
    return transaction.commit();
}

Result<void> DatabaseImpl::wipe_state(Connection& c) {
    for (auto table = schema_.tables.rbegin(); table != schema_.tables.rend(); ++table)
        TRY(c.execute(fmt::format("DELETE FROM \"{}\"", table->name)));
    return c.execute(
        "DELETE FROM sync_streams; DELETE FROM sync_seen; DELETE FROM sync_vectors; DELETE FROM sync_row_stamps; "
        "DELETE FROM sync_cell_stamps;"
        "DELETE FROM sync_unknown_cells; DELETE FROM sync_hidden; DELETE FROM sync_parked; DELETE FROM sync_graves; "
        "DELETE FROM "
        "sync_lost_writes");
}

Result<uint64_t> DatabaseImpl::restamp_unsent(const ReplayObjects& applied) {
    const std::lock_guard lock(mutex_);
    Writer& w = TRY(merging());
    Connection& c = *w.connection;
    auto transaction = TRY(Transaction::begin(c, Transaction::Kind::write));
    TRY(check_version(c));
    TRY(check_device(c));
    TRY(wipe_state(c));
    Meta meta;
    MergeReport report;
    TRY(w.rows->begin());
    TRY(w.lost->begin());
    Merger merger(schema_, *w.rows, *w.lost, meta.digest);
    TRY(applied([&](std::span<const IncomingObject> objects) -> Result<void> {
        for (const IncomingObject& object : objects) TRY(apply(w, merger, object, meta, report));
        return {};
    }));
    // The own stream was replayed like any other; its position is not a cursor, but what its author had seen goes on.
    SeenVector seen = TRY(load_cursor(c, device_)).seen;
    TRY(c.run("DELETE FROM sync_streams WHERE device = ?", device_.text()));
    const uint64_t count = TRY(restamp(w, meta, std::move(seen)));
    TRY(save_meta(c, meta));
    TRY(transaction.commit());
    return count;
}

Result<uint64_t> DatabaseImpl::restamp(Writer& w, Meta& meta, SeenVector seen) {
    Connection& c = *w.connection;
    Merger merger(schema_, *w.rows, *w.lost, meta.digest);
    const std::vector<OutboxTransaction> unsent = TRY(outbox_unsealed(c, SIZE_MAX));
    for (const OutboxTransaction& t : unsent) {
        meta.last = TRY(next_stamp(meta.last, options_.clock->now_ms(), device_));
        const std::string stamp = meta.last.text();
        seen.raise(t.seen);
        TRY(w.lost->remember(stamp, seen));
        TRY(merger.apply(stamp, t.changes, seen));
        seen.raise(meta.last);
        TRY(c.run("UPDATE sync_outbox SET stamp = ? WHERE position = ?", stamp, t.position));
        TRY(
            c.run("INSERT INTO sync_seen (device, stamp, told) VALUES (?1, ?2, ?2) ON CONFLICT(device) DO UPDATE SET "
                  "stamp = ?2, told = ?2",
                  device_.text(), stamp));
    }
    return unsent.size();
}

}  // namespace bae::sync
