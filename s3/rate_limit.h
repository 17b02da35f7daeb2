#pragma once
// A token bucket shared by all transfers of one direction. Safe for several threads; the clock is an argument.
#include <cstdint>
#include <mutex>

namespace bae::s3 {

class RateLimit {
  public:
    explicit RateLimit(uint64_t bytes_per_s);  // 0: no limit
    uint64_t bytes_per_s() const { return bytes_per_s_; }
    // How many of `wanted` bytes may pass now, and are counted as passed; 0: none before wait_ms() is over. At most a
    // quarter of a second's worth is saved up.
    uint64_t take(uint64_t wanted, int64_t now_ms);
    int64_t wait_ms(int64_t now_ms) const;

  private:
    const uint64_t bytes_per_s_;
    mutable std::mutex mutex_;
    double saved_ = 0;
    int64_t at_ms_ = 0;
};

}  // namespace bae::s3
