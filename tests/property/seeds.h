#pragma once
// Which seeds a run tries: BAE_SEED names one, BAE_SEEDS a number of them.
#include <cstdint>
#include <cstdlib>
#include <numeric>
#include <vector>

namespace bae::property {

inline std::vector<uint64_t> seeds(size_t otherwise) {
    if (const char* one = std::getenv("BAE_SEED")) return {std::strtoull(one, nullptr, 10)};
    const char* given = std::getenv("BAE_SEEDS");
    std::vector<uint64_t> all(given ? std::strtoull(given, nullptr, 10) : otherwise);
    std::iota(all.begin(), all.end(), uint64_t{0});
    return all;
}

}  // namespace bae::property
