#include "sync/schema.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "sync/changes.h"
#include "sync/sql_value.h"

namespace bae::sync {

namespace {

using sqlite::Connection;
using sqlite::Statement;

tl::unexpected<Error> broken(std::string_view table, std::string_view rule) {
    return fail(ErrorKind::invalid_input, fmt::format("the schema breaks a rule: table {}: {}", table, rule));
}

struct RawColumn {
    std::string name, type, default_sql;
    bool not_null = false, has_default = false;
    int primary_key = 0;
    bool generated = false;
};

struct ForeignKey {
    std::string from, table, to, on_delete;
};

struct RawTable {
    std::string name, sql;
    std::vector<RawColumn> columns;
    std::vector<ForeignKey> foreign_keys;
    bool synced = false;
};

Result<std::vector<RawTable>> read_tables(Connection& c) {
    std::vector<RawTable> tables;
    TRY(
        c.each("SELECT name, sql FROM sqlite_schema WHERE type='table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' "
               "ORDER BY name",
               [&](const Statement& s) {
                   tables.push_back({s.string(0), s.string(1), {}, {}});
               }));
    for (RawTable& t : tables) {
        TRY(c.each(
            "SELECT name, type, dflt_value, \"notnull\", pk, hidden FROM pragma_table_xinfo(?) ORDER BY cid",
            [&](const Statement& s) {
                t.columns.push_back({s.string(0), s.string(1), s.string(2), s.integer(3) != 0, !s.is_null(2),
                                     static_cast<int>(s.integer(4)), s.integer(5) != 0});
            },
            t.name));
        TRY(c.each(
            "SELECT \"from\", \"table\", \"to\", on_delete FROM pragma_foreign_key_list(?)",
            [&](const Statement& s) {
                t.foreign_keys.push_back({s.string(0), s.string(1), s.string(2), s.string(3)});
            },
            t.name));
        t.synced = std::ranges::any_of(t.columns, [](const RawColumn& r) { return r.name == "_updated_at"; });
    }
    return tables;
}

// The word CHECK followed by a parenthesis; SQLite keeps a table's text as it was written.
bool has_check(std::string_view sql) {
    std::string words;
    for (const char c : sql)
        if (!std::isspace(static_cast<unsigned char>(c)))
            words += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return words.find("CHECK(") != std::string::npos;
}

Result<void> check_shape(const RawTable& t) {
    const RawColumn& id = t.columns.front();
    if (id.name != "id" || id.type != "TEXT" || id.primary_key != 1 || !id.not_null)
        return broken(t.name, "the first column must be `id TEXT PRIMARY KEY NOT NULL`");
    if (t.columns.size() > kMaxColumns || t.name.size() > kMaxNameBytes)
        return broken(t.name, "too many columns, or too long a name");
    for (const RawColumn& column : t.columns) {
        if (column.primary_key != 0 && column.name != "id") return broken(t.name, "the primary key must be `id` alone");
        if (column.name == "_updated_at" && (column.type != "TEXT" || !column.not_null))
            return broken(t.name, "`_updated_at` must be TEXT NOT NULL");
        if (column.generated)
            return broken(t.name, fmt::format("{} is generated: merging writes every column", column.name));
        if (column.name.size() > kMaxNameBytes) return broken(t.name, "a column's name is over 128 bytes");
    }
    if (has_check(t.sql)) return broken(t.name, "no CHECK: another device's valid row could fail it");
    if (t.name.starts_with("sync_")) return broken(t.name, "names starting with sync_ are taken");
    return {};
}

Result<void> check_indexes(Connection& c, const RawTable& t) {
    std::set<std::string> leading;
    bool unique = false;
    TRY(c.each(
        "SELECT l.\"unique\", l.origin, (SELECT name FROM pragma_index_info(l.name) WHERE seqno = 0) FROM "
        "pragma_index_list(?) l WHERE NOT (l.partial AND NOT l.\"unique\")",
        [&](const Statement& s) {
            unique |= s.integer(0) != 0 && s.text(1) != "pk";
            leading.insert(s.string(2));
        },
        t.name));
    if (unique) return broken(t.name, "no UNIQUE besides the primary key");
    for (const ForeignKey& fk : t.foreign_keys)
        if (!leading.contains(fk.from))
            return broken(t.name, fmt::format("the foreign key {} needs an index", fk.from));
    return {};
}

Result<void> check_foreign_keys(const RawTable& t, const std::map<std::string, const RawTable*, std::less<>>& all) {
    for (const ForeignKey& fk : t.foreign_keys) {
        const auto parent = all.find(fk.table);
        const bool to_synced = parent != all.end() && parent->second->synced;
        if (!t.synced && to_synced)
            return broken(t.name, fmt::format("a local table may not reference the synced table {}", fk.table));
        if (!t.synced) continue;
        if (!to_synced || (!fk.to.empty() && fk.to != "id"))
            return broken(t.name, fmt::format("the foreign key {} must reference `id` of a synced table", fk.from));
        if (fk.on_delete != "CASCADE")
            return broken(t.name, fmt::format("the foreign key {} must be ON DELETE CASCADE", fk.from));
        const auto column = std::ranges::find(t.columns, fk.from, &RawColumn::name);
        if (column == t.columns.end() || !column->not_null)
            return broken(t.name, fmt::format("the foreign key {} must be NOT NULL", fk.from));
        if (column->has_default) return broken(t.name, fmt::format("the foreign key {} must have no DEFAULT", fk.from));
    }
    return {};
}

Result<Bytes> default_of(Connection& c, const RawTable& t, const RawColumn& column) {
    if (!column.has_default) return packed(ValueView{});
    Statement s = TRY(c.prepare("SELECT " + column.default_sql));
    if (!TRY(s.step())) return broken(t.name, fmt::format("the DEFAULT of {} has no value", column.name));
    ValueView value = column_value(s, 0);
    // Rows older than an added column read as NULL in the capture's old values: only NOT NULL tells the two apart.
    if (!column.not_null && value.type != ValueView::Type::null)
        return broken(t.name, fmt::format("{} has a DEFAULT and so must be NOT NULL", column.name));
    if (column.type == "REAL" && value.type == ValueView::Type::integer)
        value = ValueView::of(static_cast<double>(value.integer));
    const bool fits = value.type == ValueView::Type::null ||
                      (column.type == "INTEGER" && value.type == ValueView::Type::integer) ||
                      (column.type == "REAL" && value.type == ValueView::Type::real) ||
                      (column.type == "TEXT" && value.type == ValueView::Type::text) ||
                      (column.type == "BLOB" && value.type == ValueView::Type::blob);
    if (!fits) return broken(t.name, fmt::format("the DEFAULT of {} is not of the column's type", column.name));
    return packed(value);
}

// Parents before children; an empty answer means a cycle.
std::vector<const RawTable*> sorted(const std::vector<const RawTable*>& tables) {
    std::vector<const RawTable*> out;
    std::set<std::string> done;
    for (bool progress = true; progress && out.size() < tables.size();) {
        progress = false;
        for (const RawTable* t : tables) {
            const bool ready =
                std::ranges::all_of(t->foreign_keys, [&](const ForeignKey& fk) { return done.contains(fk.table); });
            if (done.contains(t->name) || !ready) continue;
            out.push_back(t);
            done.insert(t->name);
            progress = true;
        }
    }
    return out.size() == tables.size() ? out : std::vector<const RawTable*>{};
}

Result<ValueView::Type> type_of(const RawTable& t, const RawColumn& column) {
    if (column.type == "INTEGER") return ValueView::Type::integer;
    if (column.type == "REAL") return ValueView::Type::real;
    if (column.type == "TEXT") return ValueView::Type::text;
    if (column.type == "BLOB") return ValueView::Type::blob;
    return broken(t.name, fmt::format("column {} must be INTEGER, REAL, TEXT or BLOB", column.name));
}

Result<SyncedTable> build_table(Connection& c, const RawTable& t, const Schema& so_far) {
    SyncedTable table;
    table.name = t.name;
    for (size_t i = 1; i < t.columns.size(); i++) {
        const RawColumn& raw = t.columns[i];
        if (raw.name == "_updated_at") {
            table.updated_at = static_cast<int>(i);
            continue;
        }
        SyncedColumn column{raw.name,     static_cast<int>(i),        TRY(type_of(t, raw)),
                            raw.not_null, TRY(default_of(c, t, raw)), -1};
        const auto fk = std::ranges::find(t.foreign_keys, raw.name, &ForeignKey::from);
        if (fk != t.foreign_keys.end()) column.parent = so_far.find(fk->table);
        table.columns.push_back(std::move(column));
    }
    return table;
}

void add_table(Schema& schema, SyncedTable table) {
    const int index = static_cast<int>(schema.tables.size());
    schema.fingerprint += table.name + "(";
    for (size_t i = 0; i < table.columns.size(); i++) {
        schema.fingerprint += table.columns[i].name + ",";
        if (table.columns[i].parent >= 0)
            schema.tables[static_cast<size_t>(table.columns[i].parent)].children.push_back(
                {index, static_cast<int>(i)});
    }
    schema.fingerprint += ")";
    schema.by_name.emplace(table.name, index);
    schema.tables.push_back(std::move(table));
}

}  // namespace

const SyncedColumn* SyncedTable::find(std::string_view column) const {
    const auto found = std::ranges::find(columns, column, &SyncedColumn::name);
    return found == columns.end() ? nullptr : &*found;
}

int Schema::find(std::string_view table) const {
    const auto found = by_name.find(table);
    return found == by_name.end() ? -1 : found->second;
}

Result<Schema> read_schema(Connection& connection) {
    const std::vector<RawTable> tables = TRY(read_tables(connection));
    std::map<std::string, const RawTable*, std::less<>> all;
    std::vector<const RawTable*> synced;
    for (const RawTable& t : tables) {
        all.emplace(t.name, &t);
        if (t.synced) synced.push_back(&t);
    }
    for (const RawTable& t : tables) {
        TRY(check_foreign_keys(t, all));
        if (!t.synced) continue;
        TRY(check_shape(t));
        TRY(check_indexes(connection, t));
    }
    const std::vector<const RawTable*> order = sorted(synced);
    if (order.empty() && !synced.empty()) return broken(synced.front()->name, "foreign keys form a cycle");
    if (order.size() > kMaxTables) return fail(ErrorKind::invalid_input, "the schema breaks a rule: too many tables");
    Schema schema;
    for (const RawTable* t : order) add_table(schema, TRY(build_table(connection, *t, schema)));
    return schema;
}

}  // namespace bae::sync
