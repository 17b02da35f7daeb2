#include "sync/sql_value.h"

namespace bae::sync {

ValueView column_value(const sqlite::Statement& row, int column) {
    switch (row.type(column)) {
        case sqlite::ColumnType::integer:
            return ValueView::of(row.integer(column));
        case sqlite::ColumnType::real:
            return ValueView::of(row.real(column));
        case sqlite::ColumnType::text:
            return ValueView::of(row.text(column));
        case sqlite::ColumnType::blob:
            return ValueView::of_blob(row.blob(column));
        case sqlite::ColumnType::null:
            break;
    }
    return {};
}

void bind_value(sqlite::Statement& statement, int index, const ValueView& value) {
    switch (value.type) {
        case ValueView::Type::integer:
            return statement.bind(index, value.integer);
        case ValueView::Type::real:
            return statement.bind(index, value.real);
        case ValueView::Type::text:
            return statement.bind_static(index, value.bytes);
        case ValueView::Type::blob:
            return statement.bind_static(index, as_bytes(value.bytes));
        case ValueView::Type::null:
        case ValueView::Type::unset:
            return statement.bind(index, nullptr);
    }
}

ValueView unpacked(ByteView packed_value) {
    Unpacker in(packed_value);
    auto value = unpack_value(in);
    CHECK(value);
    return *value;
}

}  // namespace bae::sync
