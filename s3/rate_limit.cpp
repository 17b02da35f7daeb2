#include "s3/rate_limit.h"

#include <algorithm>

namespace bae::s3 {

static constexpr uint64_t kByte = 1000;
static constexpr uint64_t kSavedMs = 250;
static constexpr uint64_t kCrumbMs = 10;
static constexpr uint64_t kLateMs = 1000;
static constexpr uint64_t kNoLimit = 1'000'000'000'000'000;  // a petabyte per second; keeps products within 64 bits

static uint64_t most_saved(uint64_t bytes_per_s) { return std::max(kByte, bytes_per_s * kSavedMs); }
static uint64_t least_given(uint64_t bytes_per_s) { return std::max(kByte, bytes_per_s * kCrumbMs); }

RateLimit::RateLimit(uint64_t bytes_per_s) : bytes_per_s_(bytes_per_s >= kNoLimit ? 0 : bytes_per_s) {}

uint64_t RateLimit::saved_at(int64_t now_ms) const {
    const uint64_t most = most_saved(bytes_per_s_);
    if (!at_ms_) return most;
    if (now_ms <= *at_ms_) return saved_;
    const uint64_t passed_ms = static_cast<uint64_t>(now_ms) - static_cast<uint64_t>(*at_ms_);
    if (passed_ms >= most / bytes_per_s_ + 1) return most;
    return std::min(most, saved_ + passed_ms * bytes_per_s_);
}

uint64_t RateLimit::take(uint64_t wanted, int64_t now_ms) {
    if (bytes_per_s_ == 0) return wanted;
    const std::lock_guard lock(mutex_);
    saved_ = saved_at(now_ms);
    // Threads look at the clock before they come here: one that was held up in between must not turn it back.
    const bool is_late =
        at_ms_ && now_ms <= *at_ms_ && static_cast<uint64_t>(*at_ms_) - static_cast<uint64_t>(now_ms) <= kLateMs;
    if (!is_late) at_ms_ = now_ms;
    const uint64_t bytes = saved_ / kByte;
    if (bytes < wanted && saved_ < least_given(bytes_per_s_)) return 0;
    const uint64_t given = std::min(wanted, bytes);
    saved_ -= given * kByte;
    return given;
}

int64_t RateLimit::wait_ms(int64_t now_ms) const {
    if (bytes_per_s_ == 0) return 0;
    const std::lock_guard lock(mutex_);
    const uint64_t saved = saved_at(now_ms);
    const uint64_t least = least_given(bytes_per_s_);
    if (saved >= least) return 0;
    return static_cast<int64_t>((least - saved + bytes_per_s_ - 1) / bytes_per_s_);
}

}  // namespace bae::s3
