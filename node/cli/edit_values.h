#pragma once
// column=value of `bae edit`, checked against the table before anything is written.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "node/cli/rows.h"

namespace bae::node {

struct Assignment {
    std::string column, belongs_to;
    std::optional<std::string> text;  // at most one of these three; none: the value is taken away
    std::optional<int64_t> integer;
    std::optional<double> real;
    void bind(sync::sqlite::Statement& statement, int index) const;
};

// May a person set it? Not what the program computes: id, _updated_at, bytes, keys and sizes.
bool is_editable(const Column& column);
// invalid_input names the columns there are, or what the column takes.
Result<Assignment> parse_assignment(std::string_view kind, const std::vector<Column>& columns, std::string_view text);

}  // namespace bae::node
