#pragma once
// Conflicts by their definition, over all transactions at once: a write of a cell is lost if a later write of the cell
// has another value and no later write of the cell had seen it. A DELETE is a write of all cells.
#include <compare>
#include <set>

#include "property/device.h"
#include "property/transaction.h"

namespace bae::property {

struct LostWrite {
    std::string table, id, column, lost_stamp, won_stamp;
    Value value;
    auto operator<=>(const LostWrite&) const = default;
};

std::set<LostWrite> lost_writes(const std::vector<std::shared_ptr<const Transaction>>& transactions,
                                const Schema& schema);
std::string readable(const LostWrite& lost);

}  // namespace bae::property
