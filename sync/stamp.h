#pragma once
// Stamps: a hybrid logical clock reading, `{ms:013}-{counter:04}-{device:16 hex}`, 35 characters, unique, sorts as
// text. Kulkarni et al., "Logical Physical Clocks" (2014), with the device as the last part.
#include <cstdint>
#include <string>
#include <string_view>

#include "crypto/ids.h"

namespace bae::sync {

// The wall clock as a seam. Milliseconds since 1970-01-01 UTC.
class Clock {
  public:
    virtual ~Clock() = default;
    virtual int64_t now_ms() = 0;
};
Clock& system_clock();

constexpr int64_t kMaxStampMs = 9'007'199'254'740;   // year 2255; later is malformed
constexpr int64_t kMaxAheadMs = 24LL * 3600 * 1000;  // further ahead than this is held
constexpr size_t kStampLength = 35;

struct Stamp {
    int64_t ms = 0;
    int counter = 0;  // 0..9999
    crypto::DeviceId device;

    auto operator<=>(const Stamp&) const = default;
    std::string text() const;
    static Result<Stamp> parse(std::string_view text);  // corrupt
};

// next = (wall, 0) if wall is later than last.ms, else last + 1, 9999 carrying into the milliseconds.
// invalid_input if the result would be beyond what is allowed (clock after the year 2100, or stamps exhausted).
Result<Stamp> next_stamp(const Stamp& last, int64_t wall_ms, const crypto::DeviceId& device);

}  // namespace bae::sync
