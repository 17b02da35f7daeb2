#include "node/runtime/schedule.h"

#include <algorithm>

namespace bae::node {

Schedule::Schedule(Rhythm rhythm, std::function<double()> chance) : rhythm_(rhythm), chance_(std::move(chance)) {}

void Schedule::wanted(int64_t now) {
    if (!first_wanted_) first_wanted_ = now;
    last_wanted_ = now;
}

void Schedule::at_once(int64_t now) {
    asked_ = now;
    in_trouble_ = false;
    in_vain_ = 0;
}

void Schedule::began() {
    running_ = true;
    asked_ = first_wanted_ = last_wanted_ = timer_ = std::nullopt;
}

void Schedule::ended(int64_t now, End end) {
    running_ = false;
    in_trouble_ = end == End::trouble && !asked_;
    in_vain_ = end == End::done ? 0 : in_vain_ + 1;
    if (end == End::done) {
        if (rhythm_.poll_ms > 0) timer_ = now + shortened(rhythm_.poll_ms);
        return;
    }
    int64_t pause = rhythm_.retry_ms;
    for (int i = 1; i < in_vain_ && pause < rhythm_.retry_at_most_ms; ++i) pause *= 2;
    timer_ = now + shortened(std::min(pause, rhythm_.retry_at_most_ms));
}

std::optional<int64_t> Schedule::next() const {
    if (running_) return std::nullopt;
    if (asked_) return asked_;
    if (in_trouble_ || !first_wanted_) return timer_;
    const int64_t settled = std::min(*last_wanted_ + rhythm_.settle_ms, *first_wanted_ + rhythm_.settle_at_most_ms);
    return timer_ ? std::min(*timer_, settled) : settled;
}

int64_t Schedule::shortened(int64_t pause_ms) const {
    return pause_ms - static_cast<int64_t>(static_cast<double>(pause_ms) / 4 * chance_());
}

}  // namespace bae::node
