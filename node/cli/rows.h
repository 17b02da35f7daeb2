#pragma once
// Rows of any synced table for people and programs: kinds and their tables, ids by their beginning, values as text and
// JSON.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "node/cli/session.h"
#include "node/output/json.h"
#include "node/output/rate.h"

namespace bae::node {

struct Kind {
    const char* name;   // "album", as in `bae edit album`
    const char* table;  // "albums"
    bool editable;      // by `bae edit` and `bae remove`
};
const Kind* kind_named(std::string_view name);
const Kind* kind_of_table(std::string_view table);
std::string editable_kinds();  // for messages: "album, artist, ..."

struct Column {
    std::string name;
    std::string type;  // as declared: TEXT, INTEGER, REAL, BLOB
    bool required = false;
    std::string belongs_to;  // the table a foreign key names, or empty
};
Result<std::vector<Column>> columns_of(sync::sqlite::Connection& connection, std::string_view table);

struct RowName {
    std::string table, id;
};
// Every row of `tables` whose id begins with `prefix`: exactly one, or a usage error that lists some of them. invalid
// ids and ids nobody has fail.
Result<RowName> find_row(Session& session, sync::sqlite::Connection& connection, const std::vector<std::string>& tables,
                         std::string_view prefix);

// A column of the current row: text as it is, bytes in hex.
void add_column(JsonObject& object, const sync::sqlite::Statement& row, int column);
std::string cell(const sync::sqlite::Statement& row, int column);
// What a person calls the row: title or name, else its id.
Result<std::string> label_of(sync::sqlite::Connection& connection, const RowName& row);
// The name of the device in a stamp, else its id.
Result<std::string> device_in_stamp(sync::sqlite::Connection& connection, std::string_view stamp);
Result<std::string> device_name(sync::sqlite::Connection& connection, const crypto::DeviceId& device);

std::string date_text(int64_t ms);    // 2024-05-31 14:02, local time
std::string length_text(int64_t ms);  // 3:07

}  // namespace bae::node
