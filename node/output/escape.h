#pragma once
// Text that came from files, tags or other people, made safe to show: what could move the cursor, reorder a line or
// hide is written as an escape.
#include <cstdint>
#include <string>
#include <string_view>

namespace bae::node {

// Control characters (\n, \t, \x1b, \u{85}), line separators, bidi controls, invisible characters and bytes that are
// not UTF-8 (\xff) as escapes; all else as it is.
std::string shown(std::string_view text);
// The inside of a JSON string (RFC 8259), without quotes. The same characters are written as \uXXXX, so that a JSON
// line is safe on a terminal too and still means the same; bytes that are not UTF-8 become U+FFFD.
std::string json_escaped(std::string_view text);
// Columns that `text` (already shown) takes on a terminal.
size_t display_width(std::string_view text);
// The beginning of `text` that fits into `columns`, with an ellipsis where something was cut off.
std::string fitted(std::string_view text, size_t columns);

}  // namespace bae::node
