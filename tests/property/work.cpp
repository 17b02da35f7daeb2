#include "property/work.h"

#include <fmt/core.h>

#include <algorithm>

#include "property/schema.h"

namespace bae::property {

namespace {

using sync::sqlite::Connection;

std::string quoted(const std::string& text) { return "'" + text + "'"; }

class Work {
  public:
    Work(Connection& connection, uint32_t version, Rng& rng) : db_(connection), version_(version), rng_(rng) {}

    Result<void> run() {
        if (rng_.percent(4)) return many_rows();
        const size_t operations = rng_.one_of<size_t>({1, 1, 1, 2, 2, 4});
        for (size_t i = 0; i < operations; i++) TRY(rng_.percent(8) ? rolled_back() : operation());
        return {};
    }

  private:
    Result<void> rolled_back() {
        TRY(db_.execute("SAVEPOINT step"));
        TRY(operation());
        TRY(operation());
        return db_.execute("ROLLBACK TO step; RELEASE step");
    }

    Result<void> operation() {
        if (rng_.percent(3)) return db_.run("INSERT INTO places(path) VALUES('here')");
        const Table& table = pick_table();
        const std::string id = pick_id(table);
        const bool there = TRY(db_.integer("SELECT 1 FROM " + table.name + " WHERE id = ?", id)).has_value();
        if (!there) return insert(table, id);
        const size_t what = rng_.below(100);
        if (what < 22) return remove(table, id);
        if (what < 30) return same_values(table, id);
        if (what < 38) {
            TRY(remove(table, id));
            return insert(table, id);
        }
        if (what < 46) return upsert(table, id);
        return update(table, id);
    }

    const Table& pick_table() {
        for (;;) {
            const Table& table = rng_.pick(schema());
            if (table.since <= version_) return table;
        }
    }
    // Few ids, so that devices meet on them. Those of marks stand for ids derived from a key.
    std::string pick_id(const Table& table) { return id_of(table.name, rng_.below(table.name == "parents" ? 2 : 3)); }
    static std::string id_of(const std::string& table, size_t number) {
        const auto index = std::ranges::find(schema(), table, &Table::name) - schema().begin();
        return fmt::format("00000000-0000-4000-8000-0000000{}{:04x}", index, number);
    }

    Result<std::optional<std::string>> parent_of(const Column& column) {
        return db_.text("SELECT id FROM " + column.parent + " ORDER BY id LIMIT 1 OFFSET ?",
                        static_cast<int64_t>(rng_.below(static_cast<size_t>(
                            TRY(db_.integer("SELECT count(*) FROM " + column.parent)).value_or(0)))));
    }
    // An SQL literal; nothing where no row could be the parent.
    Result<std::optional<std::string>> literal(const Table& table, const Column& column) {
        if (!column.parent.empty()) {
            const auto id = TRY(parent_of(column));
            return id ? std::optional(quoted(*id)) : std::nullopt;
        }
        static const std::map<std::string, std::vector<std::string>> kValues = {
            {"parents.a", {"NULL", "'1'", "''", "'x'", "'a text of more than thirty-one bytes'"}},
            {"parents.b", {"0", "1", "-7", "128", "9223372036854775807"}},
            {"children.a", {"''", "'x'", "'y'", "'ä' || char(10)"}},
            {"children.b", {"NULL", "0.5", "1", "-3e300", "0"}},
            {"children.n", {"'dflt'", "'x'", "''"}},
            {"grandchildren.a", {"NULL", "x''", "x'00ff'", "zeroblob(300)"}},
            {"marks.word", {"''", "'x'", "'y'"}},
            {"marks.strength", {"0", "1", "2"}},
            {"comments.a", {"NULL", "0", "-1", "70000"}},
        };
        return rng_.pick(kValues.at(table.name + "." + column.name));
    }

    struct Assignment {
        std::string columns = "id, _updated_at", values, set = "_updated_at = stamp()";
    };
    Result<std::optional<Assignment>> assign(const Table& table, const std::string& id, unsigned percent) {
        Assignment made;
        made.values = quoted(id) + ", stamp()";
        for (const Column& column : table.columns) {
            const bool needed = !column.parent.empty() || column.name == "word";
            if (column.since > version_ || (!rng_.percent(percent) && !(needed && percent > 50))) continue;
            const auto value = TRY(literal(table, column));
            if (!value) return std::optional<Assignment>();
            made.columns += ", " + column.name;
            made.values += ", " + *value;
            made.set += ", " + column.name + " = " + *value;
        }
        return std::optional(made);
    }

    Result<void> insert(const Table& table, const std::string& id) {
        const auto made = TRY(assign(table, id, 75));
        if (!made) return {};
        return db_.run("INSERT INTO " + table.name + "(" + made->columns + ") VALUES(" + made->values + ")");
    }
    Result<void> upsert(const Table& table, const std::string& id) {
        const auto made = TRY(assign(table, id, 75));
        if (!made) return {};
        return db_.run("INSERT INTO " + table.name + "(" + made->columns + ") VALUES(" + made->values +
                       ") ON CONFLICT(id) DO UPDATE SET " + made->set);
    }
    Result<void> update(const Table& table, const std::string& id) {
        const auto made = TRY(assign(table, id, 40));
        if (!made) return {};
        return db_.run("UPDATE " + table.name + " SET " + made->set + " WHERE id = ?", id);
    }
    Result<void> same_values(const Table& table, const std::string& id) {
        std::string set = "_updated_at = stamp()";
        if (rng_.percent(50))
            for (const Column& column : table.columns)
                if (column.since <= version_) set += ", " + column.name + " = " + column.name;
        return db_.run("UPDATE " + table.name + " SET " + set + " WHERE id = ?", id);
    }
    Result<void> remove(const Table& table, const std::string& id) {
        return db_.run("DELETE FROM " + table.name + " WHERE id = ?", id);
    }

    Result<void> many_rows() {
        if (rng_.percent(50)) return db_.run("UPDATE parents SET b = b / 2 + 1, _updated_at = stamp()");
        for (size_t i = 10; i < 30; i++)
            TRY(db_.run("INSERT INTO parents(id, b, _updated_at) VALUES(?, ?, stamp()) ON CONFLICT(id) DO NOTHING",
                        id_of("parents", i), static_cast<int64_t>(rng_.below(3))));
        return {};
    }

    Connection& db_;
    uint32_t version_;
    Rng& rng_;
};

}  // namespace

Result<void> random_work(Connection& connection, uint32_t version, Rng& rng) {
    return Work(connection, version, rng).run();
}

}  // namespace bae::property
