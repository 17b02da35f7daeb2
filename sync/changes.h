#pragma once
// The net change of one transaction, per row, as it travels. Canonical MessagePack:
//
//   changes := [table...]                       each table at most once
//   table   := [name, [column...], [insert...], [update...], [id...]]
//   insert  := [id, value...]                   one value per column; `false` = the column's DEFAULT
//   update  := [id, (column index, value)...]   the columns that changed, ascending; none: only `_updated_at` changed
//   the last list holds the ids of deleted rows
//
// `id` and `_updated_at` are not among the columns: the first stands in front, the other is the transaction's stamp.
// A value equal to its column's DEFAULT is left out of INSERTs, so that authors of different schemas say the same.
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "sync/value.h"

namespace bae::sync {

constexpr size_t kMaxNameBytes = 128;
constexpr size_t kMaxIdBytes = 64;
constexpr uint32_t kMaxTables = 256;
constexpr uint32_t kMaxColumns = 256;
constexpr size_t kMaxChangesBytes = 60 << 20;  // of one transaction; a larger one is refused when it is written

struct TableHeader {
    std::string_view name;
    std::vector<std::string_view> columns;
};
struct ColumnChange {
    uint32_t column = 0;  // index into TableHeader::columns
    ValueView value;
};

// Receives the parts in the order they are stored; the first error ends the reading. Views die with the input.
class ChangeVisitor {
  public:
    virtual ~ChangeVisitor() = default;
    virtual Result<void> table(const TableHeader& table) = 0;
    virtual Result<void> insert(std::string_view id, std::span<const ValueView> values) = 0;
    virtual Result<void> update(std::string_view id, std::span<const ColumnChange> changes) = 0;
    virtual Result<void> remove(std::string_view id) = 0;
};

// Ids travel into file names, messages and other people's terminals: 1 to 64 of [0-9a-z-].
bool is_row_id(std::string_view id);

// corrupt for anything not canonical, over a limit, a table or column named twice, an empty table. A row may appear
// only once per list; that it appears in one list only is checked by check_changes (decoders of foreign bytes call that
// first).
Result<void> read_changes(ByteView changes, ChangeVisitor& visitor);
Result<void> check_changes(ByteView changes);

}  // namespace bae::sync
