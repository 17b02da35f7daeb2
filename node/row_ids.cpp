#include "node/row_ids.h"

#include "node/import/names.h"
#include "sync/uuid.h"

namespace bae::node {

std::string tag_row_id(std::string_view name) { return sync::uuid_v5({"tags", normalised(name)}); }

std::string relation_row_id(std::string_view table, std::string_view thing_id, std::string_view tag_id) {
    return sync::uuid_v5({table, thing_id, tag_id});
}

std::string device_row_id(std::string_view device_id) { return sync::uuid_v5({"devices", device_id}); }

}  // namespace bae::node
