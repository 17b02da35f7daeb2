#include "sync/lost_writes.h"

#include <algorithm>

#include "sync/changes.h"

namespace bae::sync {

namespace {

using sqlite::Statement;
using Columns = std::map<std::string, Bytes, std::less<>>;

struct Entry {
    std::string stamp;
    WriteKind kind = WriteKind::update;
    Columns columns;
    bool changed = false;  // to be written back
};

Bytes pack_columns(const Columns& columns) {
    RowState row;
    row.base = columns;
    return pack_base(row);
}

Result<Columns> unpack_columns(ByteView bytes) {
    RowState row;
    TRY(unpack_base(bytes, row));
    return std::move(row.base);
}

Result<bool> vector_has(const SeenVector& seen, const std::string& stamp) { return seen.has(TRY(Stamp::parse(stamp))); }

}  // namespace

// One incoming write against what is known of its row.
struct LostWrites::Judgement {
    LostWrites& log;
    std::string_view table, id;
    const RowState& before;
    const RowWrite& write;
    const SeenVector& seen;
    std::vector<Entry> entries;

    Result<void> load() {
        Statement* s = TRY(log.c_.cached("SELECT stamp, kind, columns FROM sync_lost_writes WHERE tbl = ? AND id = ?"));
        s->with(table, id);
        while (TRY(s->step())) {
            const auto kind = static_cast<WriteKind>(s->text(1)[0]);
            entries.push_back({s->string(0), kind, TRY(unpack_columns(s->blob(2))), false});
        }
        return {};
    }

    Result<bool> write_saw(const std::string& stamp) const { return vector_has(seen, stamp); }

    Entry& entry(const std::string& stamp, WriteKind kind) {
        const auto found = std::ranges::find(entries, stamp, &Entry::stamp);
        Entry& e = found != entries.end() ? *found : entries.emplace_back(Entry{stamp, kind, {}, true});
        e.changed = true;
        return e;
    }

    // What the write had seen is no loss.
    Result<void> forget_seen() {
        for (Entry& e : entries) {
            if (e.stamp >= write.stamp || !TRY(write_saw(e.stamp))) continue;
            if (write.kind != WriteKind::update) {
                e.columns.clear();
                e.kind = WriteKind::update;  // an empty update says nothing and is removed
                e.changed = true;
            } else if (e.kind != WriteKind::remove) {
                for (const auto& [column, value] : write.columns) e.changed |= e.columns.erase(column) != 0;
            }
        }
        return {};
    }

    // Has any later write of the cell seen this one? (Only the latest can be asked; what they had seen is closed.)
    Result<bool> seen_later(const std::string& column) const {
        const auto cell = before.cells.find(column);
        if (cell != before.cells.end() && cell->second.stamp > write.stamp &&
            TRY(log.had_seen(cell->second.stamp, write.stamp)))
            return true;
        if (before.row_stamp > write.stamp && TRY(log.had_seen(before.row_stamp, write.stamp))) return true;
        for (const Entry& e : entries) {
            const bool covers = e.kind != WriteKind::update || e.columns.contains(column);
            if (covers && e.stamp > write.stamp && TRY(log.had_seen(e.stamp, write.stamp))) return true;
        }
        return false;
    }

    Result<void> lose(const std::string& column, const Bytes& value) {
        if (!TRY(seen_later(column))) entry(write.stamp, write.kind).columns[column] = value;
        return {};
    }

    Result<void> lose_cell(const std::string& column, const Register& cell) {
        if (cell.stamp < write.stamp && !TRY(write_saw(cell.stamp)))
            entry(cell.stamp, WriteKind::update).columns[column] = cell.value;
        return {};
    }

    Result<void> update() {
        for (const auto& [column, value] : write.columns) {
            const auto cell = before.cells.find(column);
            const std::string& current = before.stamp_of(column);
            if (write.stamp < current) {
                TRY(lose(column, value));
            } else if (cell != before.cells.end()) {
                TRY(lose_cell(column, cell->second));
            } else if (const auto base = before.base.find(column); base != before.base.end() && write.stamp > current) {
                if (!TRY(write_saw(before.row_stamp)))
                    entry(before.row_stamp, WriteKind::insert).columns[column] = base->second;
            }
        }
        return {};
    }

    // An INSERT or DELETE that becomes the row's.
    Result<void> replace_row() {
        for (const auto& [column, cell] : before.cells) TRY(lose_cell(column, cell));
        const bool unseen = before.existence != Existence::unborn && !TRY(write_saw(before.row_stamp));
        if (unseen) {
            Entry& replaced =
                entry(before.row_stamp, before.existence == Existence::dead ? WriteKind::remove : WriteKind::insert);
            for (const auto& [column, value] : before.base) replaced.columns[column] = value;
        }
        for (const auto& [column, value] : write.columns) {
            const auto cell = before.cells.find(column);
            if (cell != before.cells.end() && cell->second.stamp > write.stamp) TRY(lose(column, value));
        }
        return {};
    }

    // An INSERT or DELETE that comes after the one that replaced it.
    Result<void> late_row() {
        for (const auto& [column, value] : write.columns) TRY(lose(column, value));
        if (!TRY(seen_later(""))) entry(write.stamp, write.kind);
        return {};
    }

    Result<void> run() {
        TRY(load());
        TRY(forget_seen());
        if (write.kind == WriteKind::update)
            TRY(update());
        else if (write.stamp > before.row_stamp)
            TRY(replace_row());
        else if (write.stamp < before.row_stamp)
            TRY(late_row());
        for (const Entry& e : entries)
            if (e.changed) TRY(save(e));
        return {};
    }

    Result<void> save(const Entry& e) const {
        if (e.columns.empty() && e.kind == WriteKind::update)
            return log.c_.run("DELETE FROM sync_lost_writes WHERE tbl = ? AND id = ? AND stamp = ?", table, id,
                              e.stamp);
        log.any_ = true;
        const char kind[] = {static_cast<char>(e.kind), 0};
        return log.c_.run(
            "INSERT INTO sync_lost_writes (tbl, id, stamp, kind, columns) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT(tbl, id, stamp) DO UPDATE SET kind = excluded.kind, columns = excluded.columns",
            table, id, e.stamp, static_cast<const char*>(kind), pack_columns(e.columns));
    }
};

Result<void> LostWrites::begin() {
    any_ = TRY(c_.integer("SELECT EXISTS (SELECT 1 FROM sync_lost_writes)")).value_or(0) != 0;
    return {};
}

Result<void> LostWrites::remember(const std::string& stamp, const SeenVector& seen) {
    // Two copies of one installation may have given one stamp to two transactions: together they had seen what either
    // had.
    SeenVector both = seen;
    Statement* s = TRY(c_.cached("SELECT seen FROM sync_vectors WHERE stamp = ?"));
    if (TRY(s->with(stamp).step())) {
        for (const SeenStamp& other : TRY(SeenVector::decode(s->blob(0))).stamps()) both.raise(other.stamp);
        s->reset();
    }
    return c_.run(
        "INSERT INTO sync_vectors (stamp, seen) VALUES (?, ?) ON CONFLICT(stamp) DO UPDATE SET seen = excluded.seen",
        stamp, both.encode());
}

// A vector that is no longer kept belongs to a transaction everybody has applied: it judges nothing.
Result<bool> LostWrites::had_seen(const std::string& later, const std::string& write) {
    Statement* s = TRY(c_.cached("SELECT seen FROM sync_vectors WHERE stamp = ?"));
    if (!TRY(s->with(later).step())) return true;
    const SeenVector seen = TRY(SeenVector::decode(s->blob(0)));
    s->reset();
    return vector_has(seen, write);
}

Result<void> LostWrites::judge(std::string_view table, std::string_view id, const RowState& before,
                               const RowWrite& write, const SeenVector& seen) {
    return Judgement{*this, table, id, before, write, seen, {}}.run();
}

Result<void> LostWrites::seen_by_own_write(std::string_view table, std::string_view id,
                                           const std::vector<std::string_view>& columns, bool whole_row) {
    if (!any_) return {};
    if (whole_row) return c_.run("DELETE FROM sync_lost_writes WHERE tbl = ? AND id = ?", table, id);
    std::vector<Entry> kept;
    Statement* s =
        TRY(c_.cached("SELECT stamp, kind, columns FROM sync_lost_writes WHERE tbl = ? AND id = ? AND kind <> 'D'"));
    s->with(table, id);
    while (TRY(s->step()))
        kept.push_back({s->string(0), static_cast<WriteKind>(s->text(1)[0]), TRY(unpack_columns(s->blob(2))), false});
    for (Entry& e : kept) {
        for (const std::string_view column : columns)
            if (const auto found = e.columns.find(column); found != e.columns.end()) e.columns.erase(found);
        if (e.columns.empty() && e.kind == WriteKind::update)
            TRY(c_.run("DELETE FROM sync_lost_writes WHERE tbl = ? AND id = ? AND stamp = ?", table, id, e.stamp));
        else
            TRY(c_.run("UPDATE sync_lost_writes SET columns = ? WHERE tbl = ? AND id = ? AND stamp = ?",
                       pack_columns(e.columns), table, id, e.stamp));
    }
    return {};
}

// --- listing --------------------------------------------------------------------------------------------------------

namespace {

ByteView present_value(const RowState& row, const SyncedTable* table, const std::string& column) {
    static const Bytes kNull = packed(ValueView{});
    const SyncedColumn* known = table ? table->find(column) : nullptr;
    if (known) return row.value(*known);
    if (const auto cell = row.cells.find(column); cell != row.cells.end()) return cell->second.value;
    const auto base = row.base.find(column);
    return base == row.base.end() ? ByteView(kNull) : ByteView(base->second);
}

void list_entry(std::vector<Conflict>& out, const std::string& table, const std::string& id, const Entry& e,
                const RowState& row, const SyncedTable* known) {
    if (row.existence == Existence::dead && e.kind == WriteKind::insert && !e.columns.empty()) {
        out.push_back({table, id, "", e.stamp, row.row_stamp, pack_columns(e.columns)});
        return;
    }
    for (const auto& [column, value] : e.columns) {
        const std::string& won = row.stamp_of(column);
        const bool same = row.existence != Existence::dead && equal(present_value(row, known, column), value);
        if (!same && won != e.stamp) out.push_back({table, id, column, e.stamp, won, value});
    }
}

}  // namespace

Result<std::vector<Conflict>> LostWrites::list(
    const Schema& schema, const std::function<Result<RowState>(std::string_view, std::string_view)>& load) {
    std::vector<Conflict> out;
    TRY(c_.each(
        "SELECT tbl, id, stamp, kind, columns FROM sync_lost_writes WHERE kind <> 'D' ORDER BY tbl, id, stamp",
        [&](const Statement& s) -> Result<void> {
            const Entry e{s.string(2), static_cast<WriteKind>(s.text(3)[0]), TRY(unpack_columns(s.blob(4))), false};
            const int index = schema.find(s.text(0));
            const SyncedTable* known = index < 0 ? nullptr : &schema.tables[static_cast<size_t>(index)];
            list_entry(out, s.string(0), s.string(1), e, TRY(load(s.text(0), s.text(1))), known);
            return {};
        }));
    // An edit never revives a deleted row: one that is later than the deletion is lost for as long as the row is dead.
    TRY(c_.each("SELECT tbl, id, row_stamp, cells FROM sync_hidden WHERE existence = 2 ORDER BY tbl, id",
                [&](const Statement& s) -> Result<void> {
                    RowState row;
                    TRY(unpack_cells(s.blob(3), row));
                    for (const auto& [column, cell] : row.cells)
                        out.push_back({s.string(0), s.string(1), column, cell.stamp, s.string(2), cell.value});
                    return {};
                }));
    return out;
}

}  // namespace bae::sync
