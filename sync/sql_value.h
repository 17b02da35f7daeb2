#pragma once
// Values between SQLite's columns and parameters and their packed form. Private to this folder.
#include "sync/sqlite/statement.h"
#include "sync/value.h"

namespace bae::sync {

ValueView column_value(const sqlite::Statement& row, int column);  // valid until the row is left

// Text and bytes are not copied: their memory must stay until the statement is reset.
void bind_value(sqlite::Statement& statement, int index, const ValueView& value);

ValueView unpacked(ByteView packed_value);  // of bytes this module packed or checked

}  // namespace bae::sync
