#pragma once
// A bucket in memory, for tests and simulation. Thread-safe. `now_ms` stamps modified_ms; without it 0.
#include <functional>
#include <memory>

#include "s3/bucket.h"

namespace bae::s3 {

std::unique_ptr<Bucket> make_memory_bucket(std::function<int64_t()> now_ms = {});

}  // namespace bae::s3
