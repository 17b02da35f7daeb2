#pragma once
// Pictures on their way into the library: checked, named by their hash, stored once.
#include "node/import/grouping.h"

namespace bae::node {

// Nothing if the bytes are no picture of a known kind. `directory`: artwork_dir; "" stores nothing (dry run).
Result<std::optional<StoredPicture>> store_picture(const std::string& directory, ByteView bytes);

}  // namespace bae::node
