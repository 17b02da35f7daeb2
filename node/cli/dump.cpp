#include <fmt/format.h>

#include <algorithm>

#include "node/cli/commands.h"
#include "node/cli/rows.h"
#include "node/interrupt.h"
#include "node/output/escape.h"

namespace bae::node {
namespace {

// By name, because two versions of a schema may have added columns in another order.
Result<std::string> dump_sql(sync::sqlite::Connection& connection, const std::string& table) {
    std::vector<std::string> names;
    for (const Column& column : TRY(columns_of(connection, table))) {
        if (column.name != "id") names.push_back(column.name);
    }
    std::sort(names.begin(), names.end());
    std::string sql = "SELECT id";
    for (const std::string& name : names) sql += fmt::format(", \"{}\"", name);
    return fmt::format("{} FROM {} ORDER BY id", sql, table);
}

Result<void> dump_table(Output& out, sync::sqlite::Connection& connection, const std::string& table) {
    auto row = TRY(connection.prepare(TRY(dump_sql(connection, table))));
    while (TRY(row.step())) {
        if (interrupted()) return fail(ErrorKind::cancelled, "interrupted");
        JsonObject columns;
        for (int i = 1; i < row.column_count(); ++i) add_column(columns, row, i);
        out.line(JsonObject().text("table", table).text("id", row.text(0)).object("columns", columns));
    }
    return {};
}

}  // namespace

Result<ExitCode> run(Session& session, const DumpCommand&) {
    sync::Database* database = TRY(session.database());
    std::vector<std::string> tables = database->synced_tables();
    std::sort(tables.begin(), tables.end());
    const auto reader = TRY(database->read());
    for (const std::string& table : tables) TRY(dump_table(session.out(), *reader, table));
    return ExitCode::done;
}

Result<ExitCode> run(Session& session, const DigestCommand&) {
    const std::string digest = hex_encode(TRY(TRY(session.database())->digest()).view());
    if (session.out().json())
        session.out().line(JsonObject().text("digest", digest));
    else
        session.out().line(digest);
    return ExitCode::done;
}

}  // namespace bae::node
