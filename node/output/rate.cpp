#include "node/output/rate.h"

#include <fmt/format.h>

#include <iterator>

namespace bae::node {

static constexpr int64_t kSampleEvery_ms = 250;
static constexpr int64_t kSpan_ms = 10'000;

std::string size_text(uint64_t bytes) {
    if (bytes < 10'000) return fmt::format("{} B", bytes);
    constexpr const char* kUnits[] = {"kB", "MB", "GB", "TB", "PB"};
    double value = static_cast<double>(bytes) / 1000;
    size_t unit = 0;
    while (value >= 1000 && unit + 1 < std::size(kUnits)) value /= 1000, ++unit;
    return fmt::format("{:.1f} {}", value, kUnits[unit]);
}

void Rate::note(int64_t now_ms, uint64_t bytes) {
    if (!samples_.empty() && now_ms - samples_.back().at_ms < kSampleEvery_ms) return;
    samples_.push_back({now_ms, bytes});
    while (samples_.size() > 2 && now_ms - samples_[1].at_ms >= kSpan_ms) samples_.pop_front();
}

uint64_t Rate::per_s() const {
    if (samples_.size() < 2 || samples_.back().bytes <= samples_.front().bytes) return 0;
    const double bytes = static_cast<double>(samples_.back().bytes - samples_.front().bytes);
    return static_cast<uint64_t>(bytes * 1000 / static_cast<double>(samples_.back().at_ms - samples_.front().at_ms));
}

}  // namespace bae::node
