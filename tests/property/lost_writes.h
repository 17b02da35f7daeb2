#pragma once
// Conflicts by their definition, over all transactions at once. A write of a cell is lost if a later write of the cell
// has another value and no later write of the cell had seen it. An INSERT and a DELETE write all cells. What makes this
// exact:
//
//   - a DELETE is never listed itself, nor is a DEFAULT that an INSERT left as it was: nobody misses them
//   - of a row that is dead now, an INSERT is listed whole (column "", with the values that no later write had seen),
//   and an
//     edit later than the deletion is lost to the deletion: it does not revive the row
//   - writes of one cell with equal stamps (copied installations) count as one, the one that wins; it had seen what any
//   had
#include <compare>
#include <memory>
#include <set>

#include "property/transaction.h"

namespace bae::property {

struct LostWrite {
    std::string table, id, column, lost_stamp, won_stamp;
    Value value;
    auto operator<=>(const LostWrite&) const = default;
};

std::set<LostWrite> lost_writes(const std::vector<std::shared_ptr<const Transaction>>& transactions,
                                const Schema& schema);

}  // namespace bae::property
