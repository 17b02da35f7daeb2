#include "node/output/table.h"

#include <algorithm>
#include <numeric>

#include "crypto/base/result.h"
#include "node/output/escape.h"

namespace bae::node {

static constexpr size_t kGap = 2;
static constexpr size_t kNarrowest = 8;

void Table::add(std::vector<std::string> cells) {
    CHECK(cells.size() == columns_.size());
    for (std::string& cell : cells) cell = shown(cell);
    rows_.push_back(std::move(cells));
}

std::vector<size_t> Table::widths(size_t max_width) const {
    std::vector<size_t> widths;
    for (const Column& column : columns_) widths.push_back(display_width(column.title));
    for (const auto& row : rows_) {
        for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], display_width(row[i]));
    }
    if (max_width == 0) return widths;
    size_t total = std::accumulate(widths.begin(), widths.end(), kGap * (widths.size() - 1));
    for (size_t i = widths.size(); i-- > 1 && total > max_width;) {
        const size_t least = std::min(widths[i], kNarrowest);
        const size_t cut = std::min(total - max_width, widths[i] - least);
        widths[i] -= cut;
        total -= cut;
    }
    return widths;
}

std::string Table::line(const std::vector<std::string>& cells, const std::vector<size_t>& widths) const {
    std::string out;
    for (size_t i = 0; i < cells.size(); ++i) {
        const std::string cell = fitted(cells[i], widths[i]);
        const std::string space(widths[i] - std::min(widths[i], display_width(cell)), ' ');
        const bool last = i + 1 == cells.size();
        out += columns_[i].align == Align::right ? space + cell : (last ? cell : cell + space);
        if (!last) out += std::string(kGap, ' ');
    }
    return out + '\n';
}

std::string Table::text(size_t max_width, bool color) const {
    const std::vector<size_t> column_widths = widths(max_width);
    std::vector<std::string> titles;
    for (const Column& column : columns_) titles.push_back(column.title);
    std::string out = line(titles, column_widths);
    if (color) out = "\033[1m" + out.substr(0, out.size() - 1) + "\033[0m\n";
    for (const auto& row : rows_) out += line(row, column_widths);
    return out;
}

}  // namespace bae::node
