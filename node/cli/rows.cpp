#include "node/cli/rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>

#include "node/output/escape.h"

namespace bae::node {
namespace {

constexpr Kind kKinds[] = {
    {"album", "albums", true},
    {"artist", "artists", true},
    {"release", "releases", true},
    {"track", "tracks", true},
    {"tag", "tags", true},
    {"collection", "collections", true},
    {"file", "release_files", true},
    {"image", "library_images", true},
    {"device", "devices", true},
    {"contact", "contacts", true},
    {"note", "notes", true},
    {"album_artist", "album_artists", false},
    {"release_identity", "release_identities", false},
    {"audio_format", "audio_formats", false},
    {"track_artist", "track_artists", false},
    {"track_tag", "track_tags", false},
    {"release_tag", "release_tags", false},
    {"collection_entry", "collection_entries", false},
    {"rating", "ratings", false},
    {"play_count", "play_counts", false},
    {"location", "locations", false},
    {"persona", "personas", false},
    {"share", "shares", false},
    {"shared_release", "shared_releases", false},
};
constexpr size_t kIdLength = 36;
constexpr size_t kCandidates = 5;

bool can_begin_id(std::string_view prefix) {
    return !prefix.empty() && prefix.size() <= kIdLength &&
           prefix.find_first_not_of("0123456789abcdef-") == prefix.npos;
}

tl::unexpected<Error> ambiguous(Session& session, sync::sqlite::Connection& connection, std::string_view prefix,
                                const std::vector<RowName>& found) {
    std::string message = fmt::format("\"{}\" is the beginning of several ids; give more of it:", prefix);
    for (size_t i = 0; i < std::min(found.size(), kCandidates); ++i) {
        const Kind* kind = kind_of_table(found[i].table);
        const Result<std::string> label = label_of(connection, found[i]);
        message += fmt::format("{} {} {} {}", i ? "," : "", kind ? kind->name : found[i].table, shown(found[i].id),
                               label ? shown(*label) : "");
    }
    return session.usage(std::move(message));
}

}  // namespace

const Kind* kind_named(std::string_view name) {
    const auto* found =
        std::find_if(std::begin(kKinds), std::end(kKinds), [&](const Kind& kind) { return kind.name == name; });
    return found == std::end(kKinds) ? nullptr : found;
}

const Kind* kind_of_table(std::string_view table) {
    const auto* found =
        std::find_if(std::begin(kKinds), std::end(kKinds), [&](const Kind& kind) { return kind.table == table; });
    return found == std::end(kKinds) ? nullptr : found;
}

std::string editable_kinds() {
    std::string names;
    for (const Kind& kind : kKinds) {
        if (kind.editable) names += (names.empty() ? "" : ", ") + std::string(kind.name);
    }
    return names;
}

Result<std::vector<Column>> columns_of(sync::sqlite::Connection& connection, std::string_view table) {
    std::vector<Column> columns;
    TRY(connection.each(
        "SELECT c.name, c.type, c.\"notnull\", f.\"table\" FROM pragma_table_info(?1) c "
        "LEFT JOIN pragma_foreign_key_list(?1) f ON f.\"from\" = c.name ORDER BY c.cid",
        [&](const sync::sqlite::Statement& row) {
            columns.push_back({.name = row.string(0),
                               .type = row.string(1),
                               .required = row.integer(2) != 0,
                               .belongs_to = row.string(3)});
        },
        table));
    return columns;
}

Result<RowName> find_row(Session& session, sync::sqlite::Connection& connection, const std::vector<std::string>& tables,
                         std::string_view prefix) {
    if (!can_begin_id(prefix)) {
        return session.usage(fmt::format(
            "\"{}\" is no id: ids are 36 characters of 0-9, a-f and '-', and their beginning will do", shown(prefix)));
    }
    std::vector<RowName> found;
    for (const std::string& table : tables) {
        TRY(connection.each(
            fmt::format("SELECT id FROM {} WHERE id >= ?1 AND id < ?1 || 'g' ORDER BY id LIMIT {}", table, kCandidates),
            [&](const sync::sqlite::Statement& row) {
                found.push_back({table, row.string(0)});
            },
            prefix));
    }
    if (found.size() == 1) return found[0];
    if (found.size() > 1) return ambiguous(session, connection, prefix, found);
    return fail(ErrorKind::not_found, fmt::format("nothing here has the id \"{}\"; `bae list` shows ids", prefix));
}

void add_column(JsonObject& object, const sync::sqlite::Statement& row, int column) {
    const std::string_view name = row.column_name(column);
    switch (row.type(column)) {
        case sync::sqlite::ColumnType::null:
            object.null(name);
            break;
        case sync::sqlite::ColumnType::integer:
            object.integer(name, row.integer(column));
            break;
        case sync::sqlite::ColumnType::real:
            object.real(name, row.real(column));
            break;
        case sync::sqlite::ColumnType::text:
            object.text(name, row.text(column));
            break;
        case sync::sqlite::ColumnType::blob:
            object.text(name, hex_encode(row.blob(column)));
            break;
    }
}

std::string cell(const sync::sqlite::Statement& row, int column) {
    switch (row.type(column)) {
        case sync::sqlite::ColumnType::null:
            return "";
        case sync::sqlite::ColumnType::blob:
            return hex_encode(row.blob(column));
        case sync::sqlite::ColumnType::real:
            return fmt::format("{}", row.real(column));
        case sync::sqlite::ColumnType::integer:
        case sync::sqlite::ColumnType::text:
            return row.string(column);
    }
    return "";
}

Result<std::string> label_of(sync::sqlite::Connection& connection, const RowName& row) {
    for (const Column& column : TRY(columns_of(connection, row.table))) {
        if (column.name != "title" && column.name != "name") continue;
        const auto text =
            TRY(connection.text(fmt::format("SELECT {} FROM {} WHERE id = ?", column.name, row.table), row.id));
        if (text) return *text;
    }
    if (row.table == "releases") {
        const auto title = TRY(connection.text(
            "SELECT a.title FROM releases r JOIN albums a ON a.id = r.album_id WHERE r.id = ?", row.id));
        if (title) return *title;
    }
    return row.id;
}

Result<std::string> device_name(sync::sqlite::Connection& connection, const crypto::DeviceId& device) {
    const auto name =
        TRY(connection.text("SELECT name FROM devices WHERE device_id = ? ORDER BY id LIMIT 1", device.text()));
    return name.value_or(device.text());
}

Result<std::string> device_in_stamp(sync::sqlite::Connection& connection, std::string_view stamp) {
    const Result<sync::Stamp> parsed = sync::Stamp::parse(stamp);
    if (!parsed) return std::string("?");
    return device_name(connection, parsed->device);
}

std::string date_text(int64_t ms) {
    const time_t seconds = static_cast<time_t>(ms / 1000);
    tm local{};
    localtime_r(&seconds, &local);
    std::array<char, 32> text{};
    std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M", &local);
    return text.data();
}

std::string length_text(int64_t ms) {
    const int64_t seconds = (ms + 500) / 1000;
    if (seconds >= 3600) return fmt::format("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    return fmt::format("{}:{:02}", seconds / 60, seconds % 60);
}

}  // namespace bae::node
