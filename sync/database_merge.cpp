#include <fmt/core.h>

#include "crypto/base/crash_point.h"
#include "sync/database_impl.h"

namespace bae::sync {

using sqlite::Connection;
using sqlite::Transaction;

static bool later(const Stamp& a, const Stamp& b) { return a.ms != b.ms ? a.ms > b.ms : a.counter > b.counter; }

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
