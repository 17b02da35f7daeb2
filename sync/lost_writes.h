#pragma once
// Which writes were lost: a write of a cell that a later write replaced and that no later write of the cell had seen.
// An INSERT writes every column, a DELETE is a write of all cells. The same list on every device, in any order of
// arrival, because each transaction carries what its author had seen (closed: seen is what was applied, and what its
// author had seen).
#include <optional>
#include <string>
#include <vector>

#include "sync/row_state.h"
#include "sync/seen.h"

namespace bae::sync {

enum class WriteKind : char { insert = 'I', update = 'U', remove = 'D' };

// One transaction's write of one row.
struct RowWrite {
    WriteKind kind = WriteKind::update;
    std::string stamp;
    std::map<std::string, Bytes, std::less<>> columns;  // of INSERT (DEFAULTs left out) and UPDATE
};

class LostWrites {
  public:
    explicit LostWrites(sqlite::Connection& connection) : c_(connection) {}

    Result<void> begin();  // of a transaction that writes

    // Remembers what the author of a transaction had seen.
    Result<void> remember(const std::string& stamp, const SeenVector& seen);
    // To be called before a merged write is joined into `before`; `seen` is its author's.
    Result<void> judge(std::string_view table, std::string_view id, const RowState& before, const RowWrite& write,
                       const SeenVector& seen);
    // A write made here has seen everything. `columns` empty: all of the row.
    Result<void> seen_by_own_write(std::string_view table, std::string_view id,
                                   const std::vector<std::string_view>& columns, bool whole_row);

    // The conflicts to show, by table, id, stamp. `load` gives a row's present state, `default_of` a column's DEFAULT.
    Result<std::vector<Conflict>> list(const Schema& schema,
                                       const std::function<Result<RowState>(std::string_view, std::string_view)>& load);

  private:
    struct Judgement;
    Result<bool> had_seen(const std::string& later, const std::string& write);
    sqlite::Connection& c_;
    bool any_ = true;
};

}  // namespace bae::sync
