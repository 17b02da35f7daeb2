#include "sync/stamp.h"

#include <fmt/core.h>

#include <charconv>
#include <chrono>

namespace bae::sync {

namespace {

class SystemClock : public Clock {
  public:
    int64_t now_ms() override {
        using namespace std::chrono;
        return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
    }
};

constexpr int64_t kYear2100Ms = 4'102'444'800'000;

Result<int64_t> digits(std::string_view text) {
    int64_t value = 0;
    for (char c : text) {
        if (c < '0' || c > '9') return fail(ErrorKind::corrupt, "a stamp with something else than digits");
        value = value * 10 + (c - '0');
    }
    return value;
}

}  // namespace

Clock& system_clock() {
    static SystemClock clock;
    return clock;
}

std::string Stamp::text() const { return fmt::format("{:013}-{:04}-{}", ms, counter, device.text()); }

Result<Stamp> Stamp::parse(std::string_view text) {
    if (text.size() != kStampLength || text[13] != '-' || text[18] != '-')
        return fail(ErrorKind::corrupt, "a stamp that is not of the form ms-counter-device");
    Stamp stamp;
    stamp.ms = TRY(digits(text.substr(0, 13)));
    stamp.counter = static_cast<int>(TRY(digits(text.substr(14, 4))));
    if (stamp.ms > kMaxStampMs) return fail(ErrorKind::corrupt, "a stamp after the year 2255");
    auto device = crypto::DeviceId::parse(text.substr(19));
    if (!device) return fail(ErrorKind::corrupt, "a stamp without a device id");
    stamp.device = *device;
    return stamp;
}

Result<Stamp> next_stamp(const Stamp& last, int64_t wall_ms, const crypto::DeviceId& device) {
    if (wall_ms > kYear2100Ms || wall_ms < 0)
        return fail(ErrorKind::invalid_input,
                    "this machine's clock is after the year 2100 or before 1970: set it and try again");
    Stamp next{wall_ms, 0, device};
    if (wall_ms <= last.ms) {
        next.ms = last.counter == 9999 ? last.ms + 1 : last.ms;
        next.counter = last.counter == 9999 ? 0 : last.counter + 1;
    }
    if (next.ms > kMaxStampMs)
        return fail(
            ErrorKind::invalid_input,
            "this library's stamps are used up (a device's clock was centuries ahead): export it into a new library");
    return next;
}

}  // namespace bae::sync
