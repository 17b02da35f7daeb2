#pragma once
// A token bucket shared by all transfers of one direction. Safe for several threads; the clock is an argument, best one
// that does not jump (where it goes back by more than a second, the time that passes twice counts twice).
#include <cstdint>
#include <mutex>
#include <optional>

namespace bae::s3 {

class RateLimit {
  public:
    explicit RateLimit(uint64_t bytes_per_s);  // 0: no limit
    uint64_t bytes_per_s() const { return bytes_per_s_; }
    // How many of `wanted` bytes may pass now, and are counted as passed; 0: none before wait_ms() is over. At most a
    // quarter of a second's worth (but a byte at least) is saved up, and so many may pass at once at the beginning.
    // Crumbs are not given out: what comes is `wanted`, or at least a hundredth of a second's worth.
    uint64_t take(uint64_t wanted, int64_t now_ms);
    int64_t wait_ms(int64_t now_ms) const;

  private:
    uint64_t saved_at(int64_t now_ms) const;

    const uint64_t bytes_per_s_;
    mutable std::mutex mutex_;
    uint64_t saved_ = 0;            // in thousandths of a byte, so that a millisecond's worth is a whole number
    std::optional<int64_t> at_ms_;  // absent: nothing asked yet
};

}  // namespace bae::s3
