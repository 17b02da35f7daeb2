#pragma once
// The oracle: what merging means, without SQL, batches or sparse storage. The state of a set of transactions is a map
// of maxima; what is visible and the digest are read off it. An INSERT writes all columns, also those it does not name.
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <set>

#include "property/transaction.h"

namespace bae::property {

__extension__ using Sum = unsigned __int128;

class Model {
  public:
    explicit Model(const Schema& schema) : schema_(&schema) {}

    void apply(const Transaction& transaction) {
        for (const auto& [key, change] : transaction.changes) {
            Row& row = rows_[key];
            if (change.kind != Kind::update) raise(row.existence, {transaction.stamp, change.kind == Kind::remove});
            if (change.kind == Kind::remove) continue;
            raise(row.updated, transaction.stamp);
            for (const Column& column : std::ranges::find(*schema_, key.first, &Table::name)->columns) {
                const auto given = change.values.find(column.name);
                if (given == change.values.end() && change.kind == Kind::update) continue;
                const Value& value = given == change.values.end() ? column.fallback : given->second;
                raise(row.registers[column.name], {transaction.stamp, value != column.fallback, value});
            }
        }
    }
    Rows visible(uint32_t version) const {
        Rows shown;
        for (const Table& table : *schema_) {
            for (const auto& [key, row] : rows_) {
                if (key.first != table.name || table.since > version || !row.alive()) continue;
                bool at_home = true;
                for (const Column& c : table.columns)
                    at_home &=
                        c.parent.empty() || shown.contains({c.parent, unpacked_text(row.registers.at(c.name).value)});
                if (!at_home) continue;
                Values& values = shown[key] = {{"_updated_at", packed_text(row.updated)}};
                for (const Column& column : table.columns)
                    if (column.since <= version) values[column.name] = row.registers.at(column.name).value;
            }
        }
        return shown;
    }
    std::set<RowKey> alive() const {
        std::set<RowKey> keys;
        for (const auto& [key, row] : rows_)
            if (row.alive()) keys.insert(key);
        return keys;
    }
    Sum digest() const {
        Sum sum = 0;
        for (const auto& [key, row] : rows_) {
            const auto& [last, dead] = row.existence;
            if (!last.empty()) sum += hash(key, {packed_text(last), dead ? "\xc2" : "\xc3"});
            const auto add = [&, &k = key](const std::string& column, const std::string& stamp, const Value& value) {
                sum += hash(k, {packed_text(column), packed_text(stamp), value});
            };
            if (row.updated > last) add("_updated_at", row.updated, packed_text(row.updated));
            for (const auto& [column, held] : row.registers)
                if (held.stamp > last || (held.stamp == last && held.set && !dead)) add(column, held.stamp, held.value);
        }
        return sum;
    }

  private:
    struct Register {  // the greatest counts
        std::string stamp;
        bool set = false;  // to something else than the DEFAULT
        Value value;
        auto operator<=>(const Register&) const = default;
    };
    struct Row {
        std::pair<std::string, bool> existence;  // stamp, dead; no stamp: only updates are known
        std::string updated;
        std::map<std::string, Register> registers;
        bool alive() const { return !existence.first.empty() && !existence.second; }
    };
    static Sum hash(const RowKey& key, std::initializer_list<Value> rest) {
        Bytes all;
        Packer packer(all);
        packer.array(static_cast<uint32_t>(rest.size() + 2));
        packer.text(key.first), packer.text(key.second);
        for (const Value& part : rest) packer.raw(as_bytes(part));
        const XXH128_hash_t h = XXH3_128bits(all.data(), all.size());
        return (Sum{h.high64} << 64) + h.low64;
    }

    const Schema* schema_;
    std::map<RowKey, Row> rows_;
};

}  // namespace bae::property
