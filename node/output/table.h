#pragma once
// A table for people: a header, rows, columns as wide as their widest cell, numbers to the right. On a terminal rows
// are cut to its width.
#include <string>
#include <vector>

namespace bae::node {

class Table {
  public:
    enum class Align { left, right };
    struct Column {
        std::string title;
        Align align = Align::left;
    };
    explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
    void add(std::vector<std::string> cells);  // foreign text; as many cells as columns
    size_t size() const { return rows_.size(); }
    // `max_width` 0: no limit. The last column gives way first.
    std::string text(size_t max_width, bool color) const;

  private:
    std::vector<size_t> widths(size_t max_width) const;
    std::string line(const std::vector<std::string>& cells, const std::vector<size_t>& widths) const;
    std::vector<Column> columns_;
    std::vector<std::vector<std::string>> rows_;  // already shown()
};

}  // namespace bae::node
