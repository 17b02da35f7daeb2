#pragma once
// What this module knows of the application's synced tables, read from the database itself: there is no registry.
#include <map>
#include <string>
#include <vector>

#include "crypto/base/bytes.h"
#include "sync/sqlite/connection.h"
#include "sync/value.h"

namespace bae::sync {

struct SyncedColumn {
    std::string name;
    int position = 0;                              // in the table, for SELECT * and the preupdate hook
    ValueView::Type type = ValueView::Type::text;  // as declared: integer, real, text or blob
    bool not_null = false;
    Bytes default_value;  // MessagePack; nil where there is none
    int parent = -1;      // index of the table it references ("belongs to"), or none

    // Can a row with this value stand in the table as it is? SQLite would convert or refuse others, so a row that
    // another program filled so is kept out of its table, and capture refuses it.
    bool fits(ValueView::Type value) const { return value == type || (value == ValueView::Type::null && !not_null); }
};

struct SyncedTable {
    std::string name;
    int updated_at = 0;                 // position of `_updated_at`
    std::vector<SyncedColumn> columns;  // without `id` and `_updated_at`, in table order
    struct Child {
        int table = 0;   // index
        int column = 0;  // index into its columns
    };
    std::vector<Child> children;  // columns of other tables that reference this one

    const SyncedColumn* find(std::string_view column) const;
};

struct Schema {
    std::vector<SyncedTable> tables;  // parents before children
    std::map<std::string, int, std::less<>> by_name;
    std::string fingerprint;  // changes when a table or column is added

    int find(std::string_view table) const;  // -1 if unknown
};

// Reads the synced tables and refuses (invalid_input, with the table, the column and the rule) a schema that breaks a
// rule of database.h.
Result<Schema> read_schema(sqlite::Connection& connection);

}  // namespace bae::sync
