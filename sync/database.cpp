#include "sync/database.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "crypto/base/crash_point.h"
#include "sync/database_impl.h"
#include "sync/migrations.h"

namespace bae::sync {

using sqlite::Connection;
using sqlite::OpenMode;
using sqlite::Transaction;

namespace {

Result<void> set_pragmas(Connection& c, bool foreign_keys) {
    TRY(
        c.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY; PRAGMA cache_size "
                  "= -65536"));
    return c.execute(foreign_keys ? "PRAGMA foreign_keys = ON" : "PRAGMA foreign_keys = OFF");
}

}  // namespace

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

Result<void> DatabaseImpl::start() {
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

Result<std::reference_wrapper<Writer>> DatabaseImpl::merging() {
    if (!merging_.connection) {
        auto connection = TRY(Connection::open(options_.path, OpenMode::read_write));
        TRY(set_pragmas(*connection, false));
        merging_.rows = std::make_unique<RowStore>(*connection, schema_);
        merging_.lost = std::make_unique<LostWrites>(*connection);
        merging_.connection = std::move(connection);
    }
    return std::ref(merging_);
}

Result<void> DatabaseImpl::check_version(Connection& c) const {
    const auto version = TRY(c.integer("PRAGMA user_version")).value_or(0);
    if (version == static_cast<int64_t>(options_.migrations.size())) return {};
    return fail(
        ErrorKind::upgrade_needed,
        "a newer version of the program has upgraded this library while this one was running: start the newer one");
}

Result<void> DatabaseImpl::check_device(Connection& c) const {
    const auto device = TRY(c.text("SELECT value FROM sync_meta WHERE key = 'device'"));
    if (!device || *device == device_.text()) return {};
    return fail(
        ErrorKind::denied,
        "this installation has become another device since this program started: run `bae sync`, then try again");
}

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

Result<Written> DatabaseImpl::write(std::string_view message, const std::function<Result<void>(Connection&)>& fn) {
    CommitEvent event;
    Written written;
    {
        const std::lock_guard lock(mutex_);
        written = TRY(write_locked(message, fn, event));
    }
    if (written.stamp) publish(event);
    return written;
}

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

Result<void> DatabaseImpl::replicate(const std::function<Result<void>(Connection&)>& fn) {
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

Result<void> DatabaseImpl::set_device(Connection& c, const crypto::DeviceId& device) {
    next_device_ = device;
    return c.run(
        "INSERT INTO sync_meta (key, value) VALUES ('device', ?) ON CONFLICT(key) DO UPDATE SET value = "
        "excluded.value",
        device.text());
}

// --- events ---------------------------------------------------------------------------------------------------------

Database::Subscription DatabaseImpl::subscribe(std::function<void(const CommitEvent&)> callback) {
    auto subscription = std::make_shared<std::function<void(const CommitEvent&)>>(std::move(callback));
    const std::lock_guard lock(pool_mutex_);
    subscribers_.emplace_back(subscription);
    return subscription;
}

void DatabaseImpl::publish(const CommitEvent& event) {
    std::vector<std::shared_ptr<std::function<void(const CommitEvent&)>>> live;
    {
        const std::lock_guard lock(pool_mutex_);
        std::erase_if(subscribers_, [](const auto& weak) { return weak.expired(); });
        for (const auto& weak : subscribers_)
            if (auto subscriber = weak.lock()) live.push_back(std::move(subscriber));
    }
    for (const auto& subscriber : live) (*subscriber)(event);
}

}  // namespace bae::sync
