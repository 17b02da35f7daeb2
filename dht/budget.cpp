#include "dht/budget.h"

#include <algorithm>

namespace bae::dht {

void TokenBucket::fill(int64_t now_ms) {
    if (filled_at_ms_ == INT64_MIN) filled_at_ms_ = now_ms;
    if (now_ms <= filled_at_ms_) return;
    const int64_t full = rate_.burst * kScale;
    // A long pause fills the bucket whatever the product of both would be.
    const int64_t until_full_ms = (full - level_) / rate_.per_second + 1;
    const int64_t passed_ms = now_ms - filled_at_ms_;
    level_ = passed_ms >= until_full_ms ? full : level_ + passed_ms * rate_.per_second;
    filled_at_ms_ = now_ms;
}

void TokenBucket::spend(int64_t amount, int64_t now_ms) {
    fill(now_ms);
    level_ -= amount * kScale;
}

int64_t TokenBucket::debt_free_at_ms(int64_t now_ms) {
    fill(now_ms);
    return level_ >= 0 ? now_ms : now_ms + (-level_ + rate_.per_second - 1) / rate_.per_second;
}

int64_t Budget::debt_free_at_ms(int64_t now_ms) {
    return std::max({bytes_.debt_free_at_ms(now_ms), frames_.debt_free_at_ms(now_ms), checks_.debt_free_at_ms(now_ms)});
}

}  // namespace bae::dht
