#include <fmt/format.h>

#include "crypto/base/pack.h"
#include "node/cli/commands.h"
#include "node/cli/rows.h"
#include "node/output/escape.h"
#include "sync/changes.h"

namespace bae::node {
namespace {

std::string text_of(const sync::ValueView& value) {
    using Type = sync::ValueView::Type;
    switch (value.type) {
        case Type::unset:
        case Type::null:
            return "nothing";
        case Type::integer:
            return std::to_string(value.integer);
        case Type::real:
            return fmt::format("{}", value.real);
        case Type::text:
            return fmt::format("\"{}\"", value.bytes);
        case Type::blob:
            return hex_encode(as_bytes(value.bytes));
    }
    return "";
}

// "title"="x", ... of a whole row.
Result<std::string> row_text(Unpacker& in) {
    std::string text;
    const uint32_t columns = TRY(in.array(sync::kMaxColumns));
    for (uint32_t i = 0; i < columns; ++i) {
        TRY(in.array_exact(2));
        const std::string_view column = TRY(in.text(sync::kMaxNameBytes));
        const sync::ValueView value = TRY(sync::unpack_value(in));
        if (value.type != sync::ValueView::Type::null)
            text += fmt::format("{}{}={}", text.empty() ? "" : " ", column, text_of(value));
    }
    return text;
}

Result<std::string> lost_text(const sync::Conflict& conflict) {
    if (conflict.lost_value.empty()) return "a row this device never had";
    Unpacker in(conflict.lost_value);
    if (conflict.column.empty()) return row_text(in);
    return text_of(TRY(sync::unpack_value(in)));
}

Result<void> print(Session& session, sync::sqlite::Connection& connection, size_t number,
                   const sync::Conflict& conflict) {
    const Kind* kind = kind_of_table(conflict.table);
    const std::string what = kind ? kind->name : conflict.table;
    const std::string lost_by =
        conflict.lost_stamp.empty() ? "somebody" : TRY(device_in_stamp(connection, conflict.lost_stamp));
    const std::string won_by = TRY(device_in_stamp(connection, conflict.won_stamp));
    const std::string lost = TRY(lost_text(conflict));
    Output& out = session.out();
    if (out.json()) {
        out.line(JsonObject()
                     .count("number", number)
                     .text("table", conflict.table)
                     .text("id", conflict.id)
                     .text("column", conflict.column)
                     .text("lost", lost)
                     .text("lost_by", lost_by)
                     .text("won_by", won_by)
                     .text("lost_stamp", conflict.lost_stamp)
                     .text("won_stamp", conflict.won_stamp));
        return {};
    }
    const Result<sync::Stamp> won = sync::Stamp::parse(conflict.won_stamp);
    const std::string label = TRY(label_of(connection, {conflict.table, conflict.id}));
    out.line(fmt::format("{:>3}  {} {}{}: {} by {} was {} by {}{}", number, what, shown(label),
                         conflict.column.empty() ? "" : ", " + conflict.column, shown(lost), shown(lost_by),
                         conflict.column.empty() ? "deleted" : "replaced", shown(won_by),
                         won ? " on " + date_text(won->ms) : ""));
    return {};
}

}  // namespace

Result<ExitCode> run(Session& session, const ConflictsCommand& command) {
    sync::Database* database = TRY(session.database());
    std::vector<sync::Conflict> conflicts = TRY(database->conflicts());
    for (sync::Conflict& parent : TRY(database->deleted_parents())) conflicts.push_back(std::move(parent));
    if (command.restore) {
        if (*command.restore == 0 || *command.restore > conflicts.size()) {
            return session.usage(
                fmt::format("there is no conflict {}; `bae conflicts` lists {}", *command.restore, conflicts.size()));
        }
        TRY(database->restore_conflict(conflicts[*command.restore - 1]));
        session.out().note("the lost value is set again; `bae sync` sends it");
        return ExitCode::done;
    }
    const auto reader = TRY(database->read());
    for (size_t i = 0; i < conflicts.size(); ++i) TRY(print(session, *reader, i + 1, conflicts[i]));
    if (conflicts.empty())
        session.out().note("no conflicts");
    else
        session.out().note("`bae conflicts restore N` sets a lost value again");
    return ExitCode::done;
}

}  // namespace bae::node
