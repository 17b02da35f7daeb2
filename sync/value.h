#pragma once
// SQL values as registers hold them. A ValueView points into somebody else's memory (a row, a decoded change).
#include <cstdint>
#include <string_view>

#include "crypto/base/pack.h"

namespace bae::sync {

struct ValueView {
    enum class Type : uint8_t {
        unset,  // in an INSERT: the column's DEFAULT
        null,
        integer,
        real,
        text,
        blob
    };
    Type type = Type::null;
    int64_t integer = 0;
    double real = 0;
    std::string_view bytes;  // of text and blob

    static ValueView of(int64_t value) { return {.type = Type::integer, .integer = value}; }
    static ValueView of(double value) { return {.type = Type::real, .real = value}; }
    static ValueView of(std::string_view value) { return {.type = Type::text, .bytes = value}; }
    static ValueView of_blob(ByteView value) { return {.type = Type::blob, .bytes = as_text(value)}; }
    static ValueView unset() { return {.type = Type::unset}; }
    bool operator==(const ValueView& other) const;  // same type and same bytes; NaN equals NaN
};

constexpr size_t kMaxValueBytes = 16 << 20;

void pack_value(Packer& out, const ValueView& value);  // unset is written as `false`
Result<ValueView> unpack_value(Unpacker& in);
Bytes packed(const ValueView& value);

}  // namespace bae::sync
