#include "property/lost_writes.h"

#include <fmt/core.h>

#include <algorithm>
#include <optional>

namespace bae::property {

namespace {

struct Write {
    const Transaction* transaction;
    std::optional<Value> value;  // none: a DELETE
    bool is_default = false;

    // In the order in which registers join.
    auto rank() const { return std::tuple(transaction->stamp, !value, !is_default, value.value_or("")); }
    bool had_seen(const Write& other) const {
        const auto& stamp = other.transaction->stamp;
        const auto seen = transaction->seen.find(stamp.substr(19));
        return seen != transaction->seen.end() && seen->second >= stamp;
    }
};

std::optional<Write> write_of(const Transaction& t, const Change& change, const Column& column) {
    if (change.kind == Kind::remove) return Write{&t, {}, false};
    const auto given = change.values.find(column.name);
    if (given == change.values.end() && change.kind == Kind::update) return {};
    const Value& value = given == change.values.end() ? column.fallback : given->second;
    return Write{&t, value, value == column.fallback};
}

void judge(std::vector<Write>& writes, const RowKey& key, const std::string& column, std::set<LostWrite>& out) {
    std::ranges::sort(writes, {}, &Write::rank);
    for (size_t i = 0; i + 1 < writes.size(); i++) {
        const Write& lost = writes[i];
        const Write& won = writes.back();
        if (!lost.value || lost.value == won.value) continue;
        const bool seen = std::any_of(writes.begin() + static_cast<long>(i) + 1, writes.end(),
                                      [&](const Write& later) { return later.had_seen(lost); });
        if (!seen)
            out.insert({key.first, key.second, column, lost.transaction->stamp, won.transaction->stamp, *lost.value});
    }
}

}  // namespace

std::set<LostWrite> lost_writes(const std::vector<std::shared_ptr<const Transaction>>& transactions,
                                const Schema& schema) {
    std::set<RowKey> rows;
    std::set<LostWrite> lost;
    for (const auto& t : transactions)
        for (const auto& [key, change] : t->changes) rows.insert(key);
    for (const RowKey& key : rows) {
        for (const Column& column : std::ranges::find(schema, key.first, &Table::name)->columns) {
            std::vector<Write> writes;
            for (const auto& t : transactions) {
                const auto change = t->changes.find(key);
                if (change == t->changes.end()) continue;
                if (const auto write = write_of(*t, change->second, column)) writes.push_back(*write);
            }
            judge(writes, key, column.name, lost);
        }
    }
    return lost;
}

std::string readable(const LostWrite& lost) {
    return fmt::format("{}.{} = {} of {} replaced by {}", readable(RowKey{lost.table, lost.id}), lost.column,
                       readable(lost.value), lost.lost_stamp, lost.won_stamp);
}

}  // namespace bae::property
