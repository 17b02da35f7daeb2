#pragma once
// The music schema (node/sql): the migrations that sync::Database::open takes.
#include <span>

#include "crypto/base/embedded.h"

namespace bae::node {

std::span<const EmbeddedFile> embedded_sql();

}  // namespace bae::node
