#include "sync/outbox.h"

#include <fmt/core.h>

#include "sync/row_state.h"
#include "sync/sql_value.h"
#include "sync/unsealed.h"

namespace bae::sync {

using sqlite::Connection;
using sqlite::Statement;

Result<std::vector<OutboxTransaction>> outbox_unsealed(Connection& c, size_t max_bytes) {
    std::vector<OutboxTransaction> out;
    size_t bytes = 0;
    Statement s =
        TRY(c.prepare("SELECT position, stamp, seen, changes, message FROM sync_outbox WHERE object_number IS NULL "
                      "ORDER BY position"));
    while (TRY(s.step())) {
        bytes += s.blob(3).size() + 128;
        if (!out.empty() && bytes > max_bytes) break;
        const SeenVector seen = TRY(SeenVector::decode(s.blob(2)));
        out.push_back({s.integer(0), TRY(Stamp::parse(s.text(1))), seen.stamps(), to_bytes(s.blob(3)), s.string(4)});
    }
    return out;
}

Result<int64_t> newest_unsealed(Connection& c) {
    return TRY(c.integer("SELECT max(position) FROM sync_outbox WHERE object_number IS NULL")).value_or(0);
}

Result<StreamCursor> load_cursor(Connection& c, const crypto::DeviceId& stream) {
    StreamCursor cursor;
    Statement* s = TRY(c.cached("SELECT number, hash, last_stamp, seen FROM sync_streams WHERE device = ?"));
    if (!TRY(s->with(stream.text()).step())) return cursor;
    cursor.number = static_cast<uint64_t>(s->integer(0));
    cursor.hash = TRY(crypto::Hash256::from(s->blob(1)));
    if (!s->is_null(2)) cursor.last_stamp = TRY(Stamp::parse(s->text(2)));
    cursor.seen = TRY(SeenVector::decode(s->blob(3)));
    s->reset();
    return cursor;
}

Result<void> save_cursor(Connection& c, const crypto::DeviceId& stream, const StreamCursor& cursor) {
    const std::optional<std::string> last = cursor.last_stamp ? std::optional(cursor.last_stamp->text()) : std::nullopt;
    TRY(
        c.run("INSERT INTO sync_streams (device, number, hash, last_stamp, seen) VALUES (?, ?, ?, ?, ?) ON "
              "CONFLICT(device) DO UPDATE SET "
              "number = excluded.number, hash = excluded.hash, last_stamp = excluded.last_stamp, seen = excluded.seen",
              stream.text(), cursor.number, cursor.hash.view(), last, cursor.seen.encode()));
    for (const SeenStamp& seen : cursor.seen.stamps())
        TRY(
            c.run("INSERT INTO sync_seen (device, stamp) VALUES (?, ?) ON CONFLICT(device) DO UPDATE SET stamp = "
                  "max(stamp, excluded.stamp)",
                  seen.device.text(), seen.stamp.text()));
    return {};
}

namespace {

Result<bool> is_there(Connection& c, const SyncedTable& table, std::string_view id) {
    return TRY(c.integer(fmt::format("SELECT 1 FROM \"{}\" WHERE id = ?", table.name), id)).has_value();
}

Result<void> insert_row(Connection& c, const SyncedTable& table, std::string_view id, const RowState& row) {
    std::string columns = "id, _updated_at";
    std::string marks = "?, stamp()";
    for (const SyncedColumn& column : table.columns) {
        columns += fmt::format(", \"{}\"", column.name);
        marks += ", ?";
    }
    Statement s = TRY(c.prepare(fmt::format("INSERT INTO \"{}\" ({}) VALUES ({})", table.name, columns, marks)));
    s.bind(1, id);
    int index = 2;
    for (const SyncedColumn& column : table.columns) bind_value(s, index++, unpacked(row.value(column)));
    return s.run();
}

Result<void> restore_row(Connection& c, const Schema& schema, const SyncedTable& table, const std::string& id,
                         ByteView values);

// The rows it belongs to may have been deleted with it: they come back first, with what they held.
Result<void> restore_parents(Connection& c, const Schema& schema, const SyncedTable& table, const RowState& row) {
    for (const SyncedColumn& column : table.columns) {
        if (column.parent < 0) continue;
        const SyncedTable& parent = schema.tables[static_cast<size_t>(column.parent)];
        const std::string id(unpacked(row.value(column)).bytes);
        if (TRY(is_there(c, parent, id))) continue;
        Statement s = TRY(c.prepare("SELECT columns FROM sync_graves WHERE tbl = ? AND id = ?"));
        const bool kept = TRY(s.with(parent.name, id).step());
        const Bytes values = kept ? to_bytes(s.blob(0)) : Bytes();
        TRY(restore_row(c, schema, parent, id, values));
    }
    return {};
}

Result<void> restore_row(Connection& c, const Schema& schema, const SyncedTable& table, const std::string& id,
                         ByteView values) {
    if (values.empty())
        return fail(
            ErrorKind::not_found,
            fmt::format("this device never had the values of {} in {}: restore it on one that did", id, table.name));
    RowState row;
    TRY(unpack_base(values, row));
    TRY(restore_parents(c, schema, table, row));
    return insert_row(c, table, id, row);
}

}  // namespace

Result<void> restore_lost(Connection& c, const Schema& schema, const Conflict& conflict) {
    const int index = schema.find(conflict.table);
    if (index < 0) return fail(ErrorKind::upgrade_needed, "this program does not know the table " + conflict.table);
    const SyncedTable& table = schema.tables[static_cast<size_t>(index)];
    const bool there = TRY(is_there(c, table, conflict.id));
    if (conflict.column.empty()) {
        if (there)
            return fail(ErrorKind::conflict,
                        fmt::format("the row {} of {} is there again: nothing to restore", conflict.id, table.name));
        return restore_row(c, schema, table, conflict.id, conflict.lost_value);
    }
    if (!there)
        return fail(ErrorKind::not_found,
                    fmt::format("the row {} of {} was deleted: restore or add it first", conflict.id, table.name));
    if (!table.find(conflict.column))
        return fail(ErrorKind::upgrade_needed, "this program does not know the column " + conflict.column);
    Statement s = TRY(c.prepare(
        fmt::format("UPDATE \"{}\" SET \"{}\" = ?, _updated_at = stamp() WHERE id = ?", table.name, conflict.column)));
    bind_value(s, 1, unpacked(conflict.lost_value));
    s.bind(2, conflict.id);
    return s.run();
}

}  // namespace bae::sync
