#include "node/cli/edit_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "node/import/names.h"
#include "node/output/escape.h"

namespace bae::node {
namespace {

constexpr std::string_view kComputed[] = {"id",       "_updated_at", "key_epoch",  "blob_scheme", "size", "device_id",
                                          "identity", "owner_id",    "owner_kind", "file_id",     "mime"};
constexpr size_t kMaxEditBytes = 64 << 10;

std::string columns_text(const std::vector<Column>& columns) {
    std::string text;
    for (const Column& column : columns) {
        if (is_editable(column)) text += (text.empty() ? "" : ", ") + column.name;
    }
    return text;
}

struct Range {
    std::string_view column;  // its name or the end of it
    double least, most;
};
constexpr double kMost = 1e9, kMostMs = 1e14;
constexpr Range kRanges[] = {
    {"public", 0, 1},     {"is_compilation", 0, 1}, {"watched", 0, 1},  {"disc", 1, 9999},   {"disc_count", 1, 9999},
    {"number", 0, 99999}, {"_gain", -100, 100},     {"_peak", 0, 1000}, {"_ms", 0, kMostMs}, {"", 0, kMost}};

// Whole numbers count something, so none is below zero.
Result<void> check_range(const Column& column, double value) {
    const auto* range = std::find_if(std::begin(kRanges), std::end(kRanges), [&](const Range& one) {
        return one.column.starts_with("_") ? column.name.ends_with(one.column)
                                           : one.column.empty() || column.name == one.column;
    });
    if (range->column.empty() && column.type == "REAL") return {};
    if (value >= range->least && value <= range->most) return {};
    return fail(ErrorKind::invalid_input, fmt::format("{} goes from {:.0f} to {:.0f}, so it cannot be {:.12g}",
                                                      column.name, range->least, range->most, value));
}

template <class T>
Result<T> number(const Column& column, std::string_view value) {
    T parsed{};
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), parsed);
    if (error == std::errc() && end == value.data() + value.size()) return parsed;
    return fail(ErrorKind::invalid_input, fmt::format("{} takes a number, not \"{}\"", column.name, shown(value)));
}

Result<Assignment> with_value(const Column& column, std::string_view value) {
    Assignment assignment{
        .column = column.name, .belongs_to = column.belongs_to, .text = {}, .integer = {}, .real = {}};
    if (value.empty()) {
        if (column.required)
            return fail(ErrorKind::invalid_input, fmt::format("{} cannot be without a value", column.name));
        return assignment;
    }
    if (column.type == "INTEGER") {
        assignment.integer = TRY(number<int64_t>(column, value));
        TRY(check_range(column, static_cast<double>(*assignment.integer)));
    } else if (column.type == "REAL") {
        assignment.real = TRY(number<double>(column, value));
        if (!std::isfinite(*assignment.real))
            return fail(ErrorKind::invalid_input,
                        fmt::format("{} takes a number, not \"{}\"", column.name, shown(value)));
        TRY(check_range(column, *assignment.real));
    } else {
        assignment.text = std::string(value);
        if (clean_text(value, kMaxEditBytes) != value) {
            return fail(
                ErrorKind::invalid_input,
                fmt::format("{} takes at most {} bytes of UTF-8 text without control characters and blanks around it",
                            column.name, kMaxEditBytes));
        }
    }
    return assignment;
}

}  // namespace

void Assignment::bind(sync::sqlite::Statement& statement, int index) const {
    if (text)
        statement.bind(index, *text);
    else if (integer)
        statement.bind(index, *integer);
    else if (real)
        statement.bind(index, *real);
    else
        statement.bind(index, nullptr);
}

bool is_editable(const Column& column) {
    if (column.type == "BLOB") return false;
    for (const std::string_view computed : kComputed) {
        if (column.name == computed) return false;
    }
    return true;
}

Result<Assignment> parse_assignment(std::string_view kind, const std::vector<Column>& columns, std::string_view text) {
    const size_t equals = text.find('=');
    if (equals == text.npos)
        return fail(ErrorKind::invalid_input, fmt::format("\"{}\" is not column=value", shown(text)));
    const std::string_view name = text.substr(0, equals);
    for (const Column& column : columns) {
        if (column.name != name) continue;
        if (is_editable(column)) return with_value(column, text.substr(equals + 1));
        return fail(ErrorKind::invalid_input,
                    fmt::format("{} is kept by the program and cannot be edited; of {} one can edit: {}", name, kind,
                                columns_text(columns)));
    }
    return fail(ErrorKind::invalid_input,
                fmt::format("{} has no column \"{}\"; it has: {}", kind, shown(name), columns_text(columns)));
}

}  // namespace bae::node
