#include <fmt/format.h>

#include "node/blobs/availability.h"
#include "node/cli/commands.h"
#include "node/cli/rows.h"
#include "node/output/escape.h"

namespace bae::node {
namespace {

struct Belonging {
    std::string table, column;
};

// The tables whose rows belong to a row of `table`, and the loose references that people think of as belonging.
Result<std::vector<Belonging>> belongings_of(sync::sqlite::Connection& connection,
                                             const std::vector<std::string>& tables, const std::string& table) {
    std::vector<Belonging> found;
    for (const std::string& other : tables) {
        for (const Column& column : TRY(columns_of(connection, other))) {
            if (column.belongs_to == table) found.push_back({other, column.name});
        }
    }
    if (table == "releases" || table == "artists") found.push_back({"library_images", "owner_id"});
    if (table == "release_files") found.push_back({"tracks", "file_id"});
    return found;
}

JsonObject whole_row(const sync::sqlite::Statement& row) {
    JsonObject object;
    for (int i = 0; i < row.column_count(); ++i) add_column(object, row, i);
    return object;
}

std::string one_line(std::string_view kind, const sync::sqlite::Statement& row) {
    std::string line = fmt::format("  {:<16}", kind);
    for (int i = 0; i < row.column_count(); ++i) {
        const std::string_view name = row.column_name(i);
        if (row.is_null(i) || name == "_updated_at" || row.type(i) == sync::sqlite::ColumnType::blob) continue;
        line += i == 0 ? shown(cell(row, i)) : fmt::format("  {}={}", name, shown(cell(row, i)));
    }
    return line;
}

Result<void> show_row(Output& out, sync::sqlite::Connection& connection, const RowName& name, JsonObject& json) {
    const Kind* kind = kind_of_table(name.table);
    auto row = TRY(connection.prepare(fmt::format("SELECT * FROM {} WHERE id = ?", name.table)));
    row.bind(1, name.id);
    TRY(row.step());
    std::string stamp;
    out.note(fmt::format("{} {}", kind ? kind->name : name.table, shown(TRY(label_of(connection, name)))));
    for (int i = 0; i < row.column_count(); ++i) {
        if (row.column_name(i) == "_updated_at") stamp = row.string(i);
        if (!out.json() && !row.is_null(i))
            out.line(fmt::format("  {:<16}{}", row.column_name(i), shown(cell(row, i))));
    }
    const std::string changed_by = TRY(device_in_stamp(connection, stamp));
    const Result<sync::Stamp> when = sync::Stamp::parse(stamp);
    if (!out.json())
        out.line(fmt::format("  {:<16}{}{}", "last changed by", shown(changed_by),
                             when ? " on " + date_text(when->ms) : ""));
    json.text("kind", kind ? kind->name : name.table).object("row", whole_row(row)).text("changed_by", changed_by);
    return {};
}

Result<void> show_belonging(Output& out, sync::sqlite::Connection& connection, const Belonging& belonging,
                            const std::string& id, std::vector<JsonObject>& json) {
    const Kind* kind = kind_of_table(belonging.table);
    const std::string_view name = kind ? std::string_view(kind->name) : belonging.table;
    const std::string order = belonging.table == "tracks" ? "disc, number, id" : "id";
    return connection.each(
        fmt::format("SELECT * FROM {} WHERE {} = ? ORDER BY {}", belonging.table, belonging.column, order),
        [&](const sync::sqlite::Statement& row) {
            if (!out.json()) return out.line(one_line(name, row));
            json.push_back(JsonObject().text("kind", name).object("row", whole_row(row)));
        },
        id);
}

// Where the bytes of a release are.
Result<void> show_files(Session& session, sync::sqlite::Connection& connection, const RowName& name, JsonObject& json) {
    if (name.table != "releases") return {};
    const ReleaseAvailability files = TRY(availability_of(connection, name.id));
    json.text("state", files.text());
    if (!session.out().json()) session.out().line(fmt::format("  {:<16}{}", "audio", shown(files.text())));
    return {};
}

}  // namespace

Result<ExitCode> run(Session& session, const ShowCommand& command) {
    sync::Database* database = TRY(session.database());
    const auto reader = TRY(database->read());
    const std::vector<std::string> tables = database->synced_tables();
    const RowName name = TRY(find_row(session, *reader, tables, command.id));
    JsonObject json;
    TRY(show_row(session.out(), *reader, name, json));
    TRY(show_files(session, *reader, name, json));
    std::vector<JsonObject> belonging;
    for (const Belonging& one : TRY(belongings_of(*reader, tables, name.table))) {
        TRY(show_belonging(session.out(), *reader, one, name.id, belonging));
    }
    if (session.out().json()) session.out().line(json.objects("belonging", belonging));
    return ExitCode::done;
}

}  // namespace bae::node
