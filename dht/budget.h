#pragma once
// What one peer may cost: a token bucket each for bytes, frames and signature checks. Who has used up one is slowed:
// its frames wait until the bucket fills again. Time is an argument (milliseconds of a clock that never goes back).
#include <cstdint>

namespace bae::dht {

struct Rate {
    int64_t per_second = 1;
    int64_t burst = 1;  // how much may be used at once after a pause
};

class TokenBucket {  // starts full
  public:
    explicit TokenBucket(Rate rate) : rate_(rate), level_(rate.burst * kScale) {}
    void spend(int64_t amount, int64_t now_ms);  // always goes through; may leave a debt
    bool in_debt(int64_t now_ms) { return fill(now_ms), level_ < 0; }
    int64_t debt_free_at_ms(int64_t now_ms);  // now, or when the debt will be gone

  private:
    static constexpr int64_t kScale = 1000;  // so that a millisecond of one token per second counts
    void fill(int64_t now_ms);
    Rate rate_;
    int64_t level_;
    int64_t filled_at_ms_ = INT64_MIN;
};

struct BudgetRates {
    Rate bytes;
    Rate frames;
    Rate checks;
};
// Devices of one's own library: never in the way of an honest one.
constexpr BudgetRates kMemberRates{{1 << 30, 1 << 30}, {20'000, 40'000}, {1'000, 4'000}};
constexpr BudgetRates kStrangerRates{{1 << 20, 4 << 20}, {50, 200}, {10, 40}};

class Budget {
  public:
    explicit Budget(const BudgetRates& rates) : bytes_(rates.bytes), frames_(rates.frames), checks_(rates.checks) {}
    void spend_frame(int64_t bytes, int64_t now_ms) { bytes_.spend(bytes, now_ms), frames_.spend(1, now_ms); }
    void spend_checks(int64_t count, int64_t now_ms) { checks_.spend(count, now_ms); }
    bool in_debt(int64_t now_ms) {
        return bytes_.in_debt(now_ms) || frames_.in_debt(now_ms) || checks_.in_debt(now_ms);
    }
    int64_t debt_free_at_ms(int64_t now_ms);

  private:
    TokenBucket bytes_;
    TokenBucket frames_;
    TokenBucket checks_;
};

}  // namespace bae::dht
