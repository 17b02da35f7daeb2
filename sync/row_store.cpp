#include "sync/row_store.h"

#include <fmt/core.h>

#include "sync/sql_value.h"

namespace bae::sync {

namespace {

using sqlite::Connection;
using sqlite::Statement;

// The statements of one table, made once.
struct TableSql {
    std::string select, insert_new, upsert, remove, exists;
    std::vector<std::string> children_of_column;  // per column: ids of the rows whose column has a value
};

TableSql make_sql(const SyncedTable& t) {
    std::string columns = "id, _updated_at";
    std::string marks = "?1, ?2";
    std::string assign = "_updated_at=excluded._updated_at";
    TableSql sql;
    for (size_t i = 0; i < t.columns.size(); i++) {
        const std::string& name = t.columns[i].name;
        columns += fmt::format(", \"{}\"", name);
        marks += fmt::format(", ?{}", i + 3);
        assign += fmt::format(", \"{0}\"=excluded.\"{0}\"", name);
        sql.children_of_column.push_back(fmt::format("SELECT id FROM \"{}\" WHERE \"{}\" = ?", t.name, name));
    }
    const std::string insert =
        fmt::format("INSERT INTO \"{}\" ({}) VALUES ({}) ON CONFLICT(id) DO ", t.name, columns, marks);
    sql.select = fmt::format("SELECT {} FROM \"{}\" WHERE id = ?", columns, t.name);
    sql.insert_new = insert + "NOTHING";
    sql.upsert = insert + "UPDATE SET " + assign;
    sql.remove = fmt::format("DELETE FROM \"{}\" WHERE id = ?", t.name);
    sql.exists = fmt::format("SELECT 1 FROM \"{}\" WHERE id = ?", t.name);
    return sql;
}

}  // namespace

struct RowStore::State {
    Connection& c;
    const Schema& schema;
    std::vector<TableSql> sql;
    std::vector<bool> hidden;              // per table: hidden rows may exist
    std::vector<std::string> last_parent;  // per table: an id known to be visible
    std::vector<Statement*> insert_statements;
    bool parked = false;

    State(Connection& connection, const Schema& s) : c(connection), schema(s) {
        for (const SyncedTable& t : schema.tables) sql.push_back(make_sql(t));
        hidden.assign(schema.tables.size(), true);
        last_parent.assign(schema.tables.size(), {});
        insert_statements.assign(schema.tables.size(), nullptr);
    }
    const SyncedTable& table(int index) const { return schema.tables[static_cast<size_t>(index)]; }
    const TableSql& sql_of(int index) const { return sql[static_cast<size_t>(index)]; }

    Result<bool> visible(int index, std::string_view id) {
        std::string& known = last_parent[static_cast<size_t>(index)];
        if (known == id) return true;
        Statement* s = TRY(c.cached(sql_of(index).exists));
        s->bind_static(1, id);
        const bool found = TRY(s->step());
        s->reset();
        if (found) known = id;
        return found;
    }

    Result<void> add_entries(int index, std::string_view id, RowState& row);
    Result<bool> load_visible(int index, std::string_view id, RowState& row);
    Result<bool> load_hidden(std::string_view name, std::string_view id, RowState& row);
    Result<bool> may_show(int index, const RowState& row);
    Result<void> show(int index, std::string_view id, const RowState& row);
    Result<void> write_entries(std::string_view name, int index, std::string_view id, const RowState& row);
    Result<void> remove_entries(std::string_view name, std::string_view id);
    Result<void> hide(std::string_view name, int index, std::string_view id, const RowState& row);
    Result<void> park(int index, std::string_view id, const RowState& row);
    Result<void> remove_visible(int index, std::string_view id);
    Result<std::vector<std::string>> ids(std::string_view query, std::string_view value);
    Result<void> hide_children(int index, std::string_view id);
    Result<void> show_children(int index, std::string_view id);
    Result<void> store(std::string_view name, std::string_view id, const RowState& row);
    Result<RowState> load(std::string_view name, std::string_view id);
};

RowStore::RowStore(Connection& connection, const Schema& schema)
    : state_(std::make_unique<State>(connection, schema)) {}
RowStore::~RowStore() = default;

Result<void> RowStore::begin() {
    State& s = *state_;
    for (size_t i = 0; i < s.schema.tables.size(); i++) {
        const std::string& name = s.schema.tables[i].name;
        s.hidden[i] =
            TRY(s.c.integer("SELECT EXISTS (SELECT 1 FROM sync_hidden WHERE tbl = ?)", name)).value_or(0) != 0;
        s.last_parent[i].clear();
    }
    s.parked = TRY(s.c.integer("SELECT EXISTS (SELECT 1 FROM sync_parked)")).value_or(0) != 0;
    return {};
}

// --- loading --------------------------------------------------------------------------------------------------------

Result<bool> RowStore::State::load_visible(int index, std::string_view id, RowState& row) {
    const SyncedTable& t = table(index);
    Statement* s = TRY(c.cached(sql_of(index).select));
    if (!TRY(s->with(id).step())) return false;
    row.updated_at = s->string(1);
    for (size_t i = 0; i < t.columns.size(); i++) {
        Bytes value = packed(column_value(*s, static_cast<int>(i) + 2));
        if (t.columns[i].parent >= 0 || value != t.columns[i].default_value)
            row.base.emplace(t.columns[i].name, std::move(value));
    }
    s->reset();
    TRY(add_entries(index, id, row));
    return true;
}

Result<void> RowStore::State::add_entries(int index, std::string_view id, RowState& row) {
    const SyncedTable& t = table(index);
    row.existence = Existence::alive;
    row.row_stamp = row.updated_at;
    if (const auto stamp = TRY(c.text("SELECT stamp FROM sync_row_stamps WHERE tbl = ? AND id = ?", t.name, id))) {
        row.row_stamp = *stamp;
        Statement* s = TRY(c.cached("SELECT col, stamp FROM sync_cell_stamps WHERE tbl = ? AND id = ?"));
        s->with(t.name, id);
        while (TRY(s->step())) {
            const auto base = row.base.find(s->text(0));
            row.cells[s->string(0)] = {s->string(1),
                                       base == row.base.end() ? t.find(s->text(0))->default_value : base->second};
            if (base != row.base.end()) row.base.erase(base);
        }
    }
    Statement* s = TRY(c.cached("SELECT col, stamp, value FROM sync_unknown_cells WHERE tbl = ? AND id = ?"));
    s->with(t.name, id);
    while (TRY(s->step())) {
        if (s->text(1) > row.row_stamp)
            row.cells[s->string(0)] = {s->string(1), to_bytes(s->blob(2))};
        else
            row.base[s->string(0)] = to_bytes(s->blob(2));
    }
    return {};
}

Result<void> RowStore::add_entries(int table, std::string_view id, RowState& row) {
    return state_->add_entries(table, id, row);
}

Result<bool> RowStore::State::load_hidden(std::string_view name, std::string_view id, RowState& row) {
    Statement* s =
        TRY(c.cached("SELECT row_stamp, existence, updated_at, base, cells FROM sync_hidden WHERE tbl = ? AND id = ?"));
    if (!TRY(s->with(name, id).step())) return false;
    row.row_stamp = s->string(0);
    row.existence = static_cast<Existence>(s->integer(1));
    row.updated_at = s->string(2);
    TRY(unpack_base(s->blob(3), row));
    TRY(unpack_cells(s->blob(4), row));
    s->reset();
    return true;
}

Result<RowState> RowStore::State::load(std::string_view name, std::string_view id) {
    RowState row;
    const int index = schema.find(name);
    if (index >= 0 && TRY(load_visible(index, id, row))) return row;
    if (index < 0 || hidden[static_cast<size_t>(index)]) TRY(load_hidden(name, id, row));
    return row;
}

Result<RowState> RowStore::load(std::string_view table, std::string_view id) { return state_->load(table, id); }

// --- storing --------------------------------------------------------------------------------------------------------

Result<bool> RowStore::State::may_show(int index, const RowState& row) {
    if (row.existence != Existence::alive) return false;
    for (const SyncedColumn& column : table(index).columns) {
        const ValueView value = unpacked(row.value(column));
        if (!column.fits(value.type)) return false;
        if (column.parent >= 0 && !TRY(visible(column.parent, value.bytes))) return false;
    }
    return true;
}

Result<void> RowStore::State::remove_entries(std::string_view name, std::string_view id) {
    TRY(c.run("DELETE FROM sync_row_stamps WHERE tbl = ? AND id = ?", name, id));
    TRY(c.run("DELETE FROM sync_cell_stamps WHERE tbl = ? AND id = ?", name, id));
    return c.run("DELETE FROM sync_unknown_cells WHERE tbl = ? AND id = ?", name, id);
}

Result<void> RowStore::State::write_entries(std::string_view name, int index, std::string_view id,
                                            const RowState& row) {
    const SyncedTable& t = table(index);
    TRY(remove_entries(name, id));
    if (row.updated_at != row.row_stamp)
        TRY(c.run("INSERT INTO sync_row_stamps (tbl, id, stamp) VALUES (?, ?, ?)", name, id, row.row_stamp));
    for (const auto& [column, cell] : row.cells) {
        if (t.find(column))
            TRY(c.run("INSERT INTO sync_cell_stamps (tbl, id, col, stamp) VALUES (?, ?, ?, ?)", name, id, column,
                      cell.stamp));
        else
            TRY(c.run("INSERT INTO sync_unknown_cells (tbl, id, col, stamp, value) VALUES (?, ?, ?, ?, ?)", name, id,
                      column, cell.stamp, cell.value));
    }
    for (const auto& [column, value] : row.base)
        if (!t.find(column))
            TRY(c.run("INSERT INTO sync_unknown_cells (tbl, id, col, stamp, value) VALUES (?, ?, ?, ?, ?)", name, id,
                      column, row.row_stamp, value));
    return {};
}

Result<void> RowStore::State::show(int index, std::string_view id, const RowState& row) {
    const SyncedTable& t = table(index);
    Statement* s = TRY(c.cached(sql_of(index).upsert));
    s->bind_static(1, id);
    s->bind_static(2, row.updated_at);
    for (size_t i = 0; i < t.columns.size(); i++)
        bind_value(*s, static_cast<int>(i) + 3, unpacked(row.value(t.columns[i])));
    TRY(s->run());
    return write_entries(t.name, index, id, row);
}

Result<void> RowStore::State::park(int index, std::string_view id, const RowState& row) {
    const SyncedTable& t = table(index);
    for (const SyncedColumn& column : t.columns) {
        if (column.parent < 0) continue;
        const ValueView parent = unpacked(row.value(column));
        if (parent.type != ValueView::Type::text) continue;
        TRY(c.run("INSERT INTO sync_parked (parent_tbl, parent_id, tbl, id) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                  table(column.parent).name, parent.bytes, t.name, id));
        parked = true;
    }
    return {};
}

Result<void> RowStore::State::hide(std::string_view name, int index, std::string_view id, const RowState& row) {
    TRY(c.run(
        "INSERT INTO sync_hidden (tbl, id, row_stamp, existence, updated_at, base, cells) VALUES (?, ?, ?, ?, ?, ?, ?)",
        name, id, row.row_stamp, static_cast<int>(row.existence), row.updated_at, pack_base(row), pack_cells(row)));
    if (index < 0) return {};
    hidden[static_cast<size_t>(index)] = true;
    if (row.existence == Existence::alive) TRY(park(index, id, row));
    return {};
}

Result<void> RowStore::State::remove_visible(int index, std::string_view id) {
    TRY(c.run(sql_of(index).remove, id));
    last_parent[static_cast<size_t>(index)].clear();
    return remove_entries(table(index).name, id);
}

Result<void> RowStore::bury(int table, std::string_view id, const RowState& dead) {
    State& s = *state_;
    const std::string& name = s.table(table).name;
    TRY(s.remove_entries(name, id));
    return s.hide(name, table, id, dead);
}

Result<std::optional<RowState>> RowStore::load_hidden(std::string_view table, std::string_view id) {
    RowState row;
    if (!TRY(state_->load_hidden(table, id, row))) return std::optional<RowState>();
    return std::optional<RowState>(std::move(row));
}

Result<void> RowStore::keep_grave(std::string_view table, std::string_view id, const RowState& before) {
    RowState values = before;
    for (const auto& [column, cell] : before.cells) values.base[column] = cell.value;
    return state_->c.run(
        "INSERT INTO sync_graves (tbl, id, stamp, columns) VALUES (?, ?, ?, ?) ON CONFLICT(tbl, id) DO UPDATE SET "
        "stamp = excluded.stamp, columns = excluded.columns",
        table, id, before.updated_at, pack_base(values));
}

Result<void> RowStore::drop_grave(std::string_view table, std::string_view id) {
    return state_->c.run("DELETE FROM sync_graves WHERE tbl = ? AND id = ?", table, id);
}

Result<void> RowStore::forget_hidden(std::string_view table, std::string_view id) {
    State& s = *state_;
    TRY(s.c.run("DELETE FROM sync_hidden WHERE tbl = ? AND id = ?", table, id));
    if (s.parked) TRY(s.c.run("DELETE FROM sync_parked WHERE tbl = ? AND id = ?", table, id));
    return {};
}

Result<void> RowStore::State::store(std::string_view name, std::string_view id, const RowState& row) {
    const int index = schema.find(name);
    const bool was_visible = index >= 0 && TRY(visible(index, id));
    const bool now_visible = index >= 0 && TRY(may_show(index, row));
    if (!was_visible) {
        TRY(c.run("DELETE FROM sync_hidden WHERE tbl = ? AND id = ?", name, id));
        if (parked) TRY(c.run("DELETE FROM sync_parked WHERE tbl = ? AND id = ?", name, id));
    }
    if (now_visible) {
        TRY(show(index, id, row));
        if (!was_visible) TRY(show_children(index, id));
        return {};
    }
    if (was_visible) TRY(remove_visible(index, id));
    const bool nothing = row.existence == Existence::unborn && row.cells.empty() && row.updated_at.empty();
    if (!nothing) TRY(hide(name, index, id, row));
    if (was_visible) TRY(hide_children(index, id));
    return {};
}

Result<void> RowStore::store(std::string_view table, std::string_view id, const RowState& row) {
    return state_->store(table, id, row);
}

// --- visibility of children -----------------------------------------------------------------------------------------

Result<std::vector<std::string>> RowStore::State::ids(std::string_view query, std::string_view value) {
    std::vector<std::string> out;
    TRY(c.each(
        query, [&](const Statement& s) { out.push_back(s.string(0)); }, value));
    return out;
}

Result<void> RowStore::State::hide_children(int index, std::string_view id) {
    for (const SyncedTable::Child& child : table(index).children) {
        const std::string& query = sql_of(child.table).children_of_column[static_cast<size_t>(child.column)];
        const std::string& name = table(child.table).name;
        for (const std::string& kid : TRY(ids(query, id))) TRY(store(name, kid, TRY(load(name, kid))));
    }
    return {};
}

Result<void> RowStore::State::show_children(int index, std::string_view id) {
    if (!parked) return {};
    std::vector<std::pair<std::string, std::string>> kids;
    TRY(c.each(
        "SELECT tbl, id FROM sync_parked WHERE parent_tbl = ? AND parent_id = ?",
        [&](const Statement& s) { kids.emplace_back(s.string(0), s.string(1)); }, table(index).name, id));
    for (const auto& [name, kid] : kids) {
        const RowState row = TRY(load(name, kid));
        const int kid_index = schema.find(name);
        if (kid_index >= 0 && TRY(may_show(kid_index, row))) TRY(store(name, kid, row));
    }
    return {};
}

Result<void> RowStore::show_children(int table, std::string_view id) { return state_->show_children(table, id); }
bool RowStore::has_hidden(int table) const { return state_->hidden[static_cast<size_t>(table)]; }
bool RowStore::any_parked() const { return state_->parked; }

// --- new rows -------------------------------------------------------------------------------------------------------

Result<bool> RowStore::insert_new(int table, std::string_view id, std::string_view stamp,
                                  std::span<const ValueView> values) {
    State& state = *state_;
    const SyncedTable& t = state.table(table);
    for (size_t i = 0; i < values.size(); i++) {
        if (!t.columns[i].fits(values[i].type)) return false;
        if (t.columns[i].parent >= 0 && !TRY(state.visible(t.columns[i].parent, values[i].bytes))) return false;
    }
    if (has_hidden(table) && TRY(state.c.integer("SELECT 1 FROM sync_hidden WHERE tbl = ? AND id = ?", t.name, id)))
        return false;
    Statement*& s = state.insert_statements[static_cast<size_t>(table)];
    if (!s) s = TRY(state.c.cached(state.sql_of(table).insert_new));
    s->bind_static(1, id);
    s->bind_static(2, stamp);
    for (size_t i = 0; i < values.size(); i++) bind_value(*s, static_cast<int>(i) + 3, values[i]);
    TRY(s->run());
    if (state.c.changes() == 0) return false;
    if (state.parked) TRY(state.show_children(table, id));
    return true;
}

// --- everything -----------------------------------------------------------------------------------------------------

Result<void> RowStore::each(const EachRow& row) {
    State& s = *state_;
    for (const SyncedTable& t : s.schema.tables)
        TRY(s.c.each(fmt::format("SELECT id FROM \"{}\"", t.name), [&](const Statement& r) -> Result<void> {
            const std::string id = r.string(0);
            return row(t.name, id, TRY(s.load(t.name, id)));
        }));
    return s.c.each("SELECT tbl, id FROM sync_hidden", [&](const Statement& r) -> Result<void> {
        RowState state;
        TRY(s.load_hidden(r.text(0), r.text(1), state));
        return row(r.text(0), r.text(1), state);
    });
}

Result<void> RowStore::settle_all() {
    State& s = *state_;
    std::vector<std::pair<std::string, std::string>> rows;
    const auto collect = [&](const Statement& r) { rows.emplace_back(r.string(0), r.string(1)); };
    TRY(s.c.each("SELECT DISTINCT tbl, id FROM sync_unknown_cells", collect));
    for (const SyncedTable& t : s.schema.tables)  // parents first: their children follow
        TRY(s.c.each("SELECT tbl, id FROM sync_hidden WHERE tbl = ? AND existence = 1", collect, t.name));
    for (const auto& [table, id] : rows) TRY(s.store(table, id, TRY(s.load(table, id))));
    return {};
}

}  // namespace bae::sync
