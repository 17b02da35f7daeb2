#pragma once
// Ids of rows that are a natural key or a relation: two devices, or an import and a person, that add the same thing add
// the same row.
#include <string>
#include <string_view>

namespace bae::node {

std::string tag_row_id(std::string_view name);  // spellings that differ in case or blanks are one tag
// `table` is release_tags or track_tags.
std::string relation_row_id(std::string_view table, std::string_view thing_id, std::string_view tag_id);
std::string device_row_id(std::string_view device_id);

}  // namespace bae::node
