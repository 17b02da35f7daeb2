#pragma once
// What the oracle and the histories speak of: values, rows, a schema and transactions, as plain data.
#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "crypto/base/pack.h"

namespace bae::property {

using Value = std::string;                           // shortest MessagePack
using Values = std::map<std::string, Value>;         // by column
using RowKey = std::pair<std::string, std::string>;  // table, id
using Rows = std::map<RowKey, Values>;

struct Column {
    std::string name;
    Value fallback = "\xc0";  // its DEFAULT; NULL where there is none
    std::string parent;       // the table it belongs to, if any
    uint32_t since = 1;       // schema version
};
struct Table {
    std::string name;
    uint32_t since;
    std::vector<Column> columns;  // without id and _updated_at
};
using Schema = std::vector<Table>;  // parents before children

enum class Kind { insert, update, remove };
struct Change {
    Kind kind;
    Values values;
};
struct Transaction {
    std::string stamp;
    std::map<RowKey, Change> changes;
    std::map<std::string, std::string> seen;  // device -> greatest stamp of it its author had seen
};

inline Value packed_text(std::string_view text) {
    Bytes out;
    Packer(out).text(text);
    return Value(as_text(out));
}
inline std::string unpacked_text(const Value& value) {
    return std::string(Unpacker(as_bytes(value)).text(SIZE_MAX).value_or(""));
}
template <class T>
void raise(T& held, T other) {
    held = std::max(held, other);
}

}  // namespace bae::property
