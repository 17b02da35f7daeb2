#include "node/cli/holds.h"

#include <fmt/format.h>

#include "node/cli/rows.h"
#include "node/output/escape.h"

namespace bae::node {

Waiting waiting_of(const sync::Hold& hold) {
    return {.subject = hold.subject,
            .reason = std::string(to_string(hold.reason)),
            .message = hold.message,
            .release = std::string(release_of(hold.reason))};
}

Result<std::vector<Waiting>> waiting_blobs(sync::sqlite::Connection& connection) {
    std::vector<Waiting> found;
    TRY(connection.each(
        "SELECT t.owner_kind, coalesce(f.name, i.kind || ' picture', t.owner_id), t.state, t.direction, t.reason FROM "
        "transfers t "
        "LEFT JOIN release_files f ON f.id = t.owner_id LEFT JOIN library_images i ON i.id = t.owner_id "
        "WHERE t.state IN ('waiting', 'failed') AND t.reason IS NOT NULL AND (f.id IS NOT NULL OR i.id IS NOT NULL) "
        "ORDER BY 1, 2, t.blob_id",
        [&](const sync::sqlite::Statement& row) {
            Waiting one{.subject = row.string(0) + " " + row.string(1), .message = row.string(4)};
            if (row.text(2) == "failed") {
                one.reason = "file_changed";
                one.release = "importing it again";
            } else if (row.text(3) == "down") {
                one.reason = "not_on_carrier";
                one.release = "a sync after the device that has it has sent it";
            } else {
                one.reason = "cannot_send";
                one.release = "the next sync that can read and send it";
            }
            found.push_back(std::move(one));
        }));
    return found;
}

Result<std::vector<Waiting>> waiting_rows(sync::Database& database) {
    std::vector<Waiting> found;
    for (const sync::ParkedRow& row : TRY(database.parked())) {
        const Kind* kind = kind_of_table(row.table);
        if (row.parent_table.empty()) {
            found.push_back({.subject = fmt::format("{} {}", kind ? kind->name : row.table, row.id),
                             .reason = "unfit",
                             .message = "the device that wrote it put a value into it that its column cannot hold",
                             .release = "an edit of that value on the device that wrote it"});
            continue;
        }
        const Kind* parent = kind_of_table(row.parent_table);
        const std::string what = fmt::format("{} {}", parent ? parent->name : row.parent_table, row.parent_id);
        found.push_back({.subject = fmt::format("{} {}", kind ? kind->name : row.table, row.id),
                         .reason = "parked",
                         .message = row.parent_deleted ? fmt::format("it belongs to {}, which was removed", what)
                                                       : fmt::format("it belongs to {}, which has not arrived", what),
                         .release = row.parent_deleted ? "bringing that back, see `bae conflicts`" : "a sync"});
    }
    return found;
}

JsonObject json_of(const Waiting& waiting) {
    return JsonObject()
        .text("subject", waiting.subject)
        .text("reason", waiting.reason)
        .text("message", waiting.message)
        .text("release", waiting.release);
}

JsonObject json_of(const sync::Hold& hold) { return json_of(waiting_of(hold)); }

JsonObject json_of(const sync::Alarm& alarm) {
    return JsonObject()
        .text("subject", alarm.subject)
        .text("reason", to_string(alarm.reason))
        .text("message", alarm.message);
}

std::string text_of(const Waiting& waiting) {
    return fmt::format("{}: {} (until: {})", shown(waiting.subject), shown(waiting.message), waiting.release);
}

std::string text_of(const sync::Hold& hold) { return text_of(waiting_of(hold)); }

}  // namespace bae::node
