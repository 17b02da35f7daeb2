#include <fmt/format.h>

#include <set>

#include "node/cli/commands.h"
#include "node/cli/edit_values.h"
#include "node/cli/rows.h"
#include "node/output/escape.h"

namespace bae::node {
namespace {

Result<const Kind*> editable_kind(Session& session, const std::string& name) {
    const Kind* kind = kind_named(name);
    if (kind && kind->editable) return kind;
    return session.usage(
        fmt::format("\"{}\" is nothing that can be edited or removed: {}", shown(name), editable_kinds()));
}

Result<std::vector<Assignment>> assignments_of(Session& session, sync::sqlite::Connection& connection, const Kind& kind,
                                               const EditCommand& command) {
    const std::vector<Column> columns = TRY(columns_of(connection, kind.table));
    std::vector<Assignment> assignments;
    std::set<std::string> seen;
    for (const std::string& text : command.assignments) {
        Result<Assignment> assignment = parse_assignment(kind.name, columns, text);
        if (!assignment) return session.usage(assignment.error().message);
        if (!seen.insert(assignment->column).second)
            return session.usage(fmt::format("{} is given twice", assignment->column));
        if (!assignment->belongs_to.empty() && assignment->text)
            assignment->text = TRY(find_row(session, connection, {assignment->belongs_to}, *assignment->text)).id;
        assignments.push_back(std::move(*assignment));
    }
    return assignments;
}

// One statement per column, so that a value that is there already is no edit.
Result<int64_t> apply(sync::sqlite::Connection& connection, const RowName& row,
                      const std::vector<Assignment>& assignments) {
    int64_t changed = 0;
    for (const Assignment& assignment : assignments) {
        auto statement = TRY(connection.prepare(
            fmt::format("UPDATE {0} SET \"{1}\" = ?1, _updated_at = stamp() WHERE id = ?2 AND \"{1}\" IS NOT ?1",
                        row.table, assignment.column)));
        assignment.bind(statement, 1);
        statement.bind(2, row.id);
        TRY(statement.run());
        changed += connection.changes();
    }
    return changed;
}

Result<void> check_removable(Session& session, sync::sqlite::Connection& connection, const RowName& row) {
    if (row.table != "devices") return {};
    const auto device = TRY(connection.text("SELECT device_id FROM devices WHERE id = ?", row.id));
    if (device != TRY(session.record()).device.text()) return {};
    return fail(ErrorKind::invalid_input, "this is the device you are on; remove it from another one");
}

}  // namespace

Result<ExitCode> run(Session& session, const EditCommand& command) {
    const Kind* kind = TRY(editable_kind(session, command.kind));
    sync::Database* database = TRY(session.database());
    RowName row;
    std::vector<Assignment> assignments;
    {
        const auto reader = TRY(database->read());
        row = TRY(find_row(session, *reader, {kind->table}, command.id));
        assignments = TRY(assignments_of(session, *reader, *kind, command));
    }
    int64_t changed = 0;
    TRY(database->write(fmt::format("edit of {} {}", kind->name, row.id),
                        [&](sync::sqlite::Connection& connection) -> Result<void> {
                            changed = TRY(apply(connection, row, assignments));
                            return {};
                        }));
    if (session.out().json()) session.out().line(JsonObject().text("id", row.id).integer("changed", changed));
    session.out().note(changed > 0
                           ? fmt::format("changed {} of {} {}",
                                         changed == 1 ? "one column" : fmt::format("{} columns", changed), kind->name,
                                         shown(row.id))
                           : fmt::format("nothing to change: {} {} is like that already", kind->name, shown(row.id)));
    return session.remark_unsealed();
}

Result<ExitCode> run(Session& session, const RemoveCommand& command) {
    const Kind* kind = TRY(editable_kind(session, command.kind));
    sync::Database* database = TRY(session.database());
    RowName row;
    std::string label;
    {
        const auto reader = TRY(database->read());
        row = TRY(find_row(session, *reader, {kind->table}, command.id));
        label = TRY(label_of(*reader, row));
        TRY(check_removable(session, *reader, row));
    }
    TRY(database->write(fmt::format("removal of {} {}", kind->name, label), [&](sync::sqlite::Connection& connection) {
        return connection.run(fmt::format("DELETE FROM {} WHERE id = ?", row.table), row.id);
    }));
    if (session.out().json()) session.out().line(JsonObject().text("id", row.id).text("removed", label));
    const bool imported = row.table == "albums" || row.table == "releases" || row.table == "tracks";
    session.out().note(fmt::format("removed {} {} from the library; files on disk stay where they are{}", kind->name,
                                   shown(label),
                                   imported ? ", and `bae import --again` of their folder brings it back" : ""));
    return session.remark_unsealed();
}

}  // namespace bae::node
