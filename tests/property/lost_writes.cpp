#include "property/lost_writes.h"

#include <algorithm>

namespace bae::property {

namespace {

using Seen = std::map<std::string, std::string>;

struct Write {
    std::string stamp;
    Kind kind;
    Value value;  // none of a DELETE
    bool is_default = false;
    Seen seen;

    bool had_seen(const std::string& other) const {
        const auto device = seen.find(other.substr(19));
        return device != seen.end() && device->second >= other;
    }
};
using Writes = std::map<std::string, Write>;  // of one cell, by stamp

Writes writes_of(const std::vector<const Transaction*>& transactions, const RowKey& key, const Column& column) {
    Writes writes;
    for (const Transaction* t : transactions) {
        const Change& change = t->changes.at(key);
        const auto given = change.values.find(column.name);
        const bool named = given != change.values.end();
        if (change.kind == Kind::update && !named) continue;
        const Value value = change.kind == Kind::remove ? "" : named ? given->second : column.fallback;
        writes[t->stamp] = {t->stamp, change.kind, value, value == column.fallback, t->seen};
    }
    return writes;
}

class Row {
  public:
    Row(RowKey key, std::vector<const Transaction*> transactions)
        : key_(std::move(key)), transactions_(std::move(transactions)) {
        for (const Transaction* t : transactions_) {
            const Kind kind = t->changes.at(key_).kind;
            if (kind != Kind::update) existence_ = std::max(existence_, std::pair(t->stamp, kind == Kind::remove));
        }
    }
    void judge(const Column& column) {
        const Writes writes = writes_of(transactions_, key_, column);
        if (writes.empty()) return;
        const Write& won = writes.rbegin()->second;
        for (auto at = writes.begin(); at != std::prev(writes.end()); ++at) {
            const Write& write = at->second;
            const bool nothing_to_miss = write.kind == Kind::remove || (write.kind == Kind::insert && write.is_default);
            if (nothing_to_miss || (!dead() && write.value == won.value)) continue;
            const bool seen = std::any_of(std::next(at), writes.end(),
                                          [&](const auto& later) { return later.second.had_seen(write.stamp); });
            if (seen) continue;
            if (dead() && write.kind == Kind::insert)
                whole_[write.stamp][column.name] = write.value;
            else
                lose(column.name, write.stamp, won.stamp, write.value);
        }
        if (dead() && won.stamp > existence_.first) lose(column.name, won.stamp, existence_.first, won.value);
    }
    std::set<LostWrite> lost() {
        for (const auto& [stamp, values] : whole_) {
            Bytes all;
            Packer out(all);
            out.array(static_cast<uint32_t>(values.size()));
            for (const auto& [column, value] : values) out.array(2), out.text(column), out.raw(as_bytes(value));
            lose("", stamp, existence_.first, Value(as_text(all)));
        }
        return std::move(lost_);
    }

  private:
    bool dead() const { return existence_.second; }
    void lose(const std::string& column, const std::string& stamp, const std::string& won, const Value& value) {
        lost_.insert({key_.first, key_.second, column, stamp, won, value});
    }

    RowKey key_;
    std::vector<const Transaction*> transactions_;
    std::pair<std::string, bool> existence_;  // stamp, dead
    std::map<std::string, Values> whole_;     // lost INSERTs of a dead row
    std::set<LostWrite> lost_;
};

}  // namespace

std::set<LostWrite> lost_writes(const std::vector<std::shared_ptr<const Transaction>>& transactions,
                                const Schema& schema) {
    std::map<RowKey, std::vector<const Transaction*>> by_row;
    for (const auto& t : transactions)
        for (const auto& [key, change] : t->changes) by_row[key].push_back(t.get());
    std::set<LostWrite> lost;
    for (auto& [key, touching] : by_row) {
        if (touching.size() < 2) continue;
        Row row(key, touching);
        for (const Column& column : std::ranges::find(schema, key.first, &Table::name)->columns) row.judge(column);
        lost.merge(row.lost());
    }
    return lost;
}

}  // namespace bae::property
