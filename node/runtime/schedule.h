#pragma once
// When one kind of work runs next: a function of events and a clock, and of nothing else. Times are milliseconds of a
// clock that does not jump. For one thread.
#include <cstdint>
#include <functional>
#include <optional>

namespace bae::node {

struct Rhythm {
    int64_t poll_ms = 0;  // also when nothing is wanted; 0: never
    int64_t settle_ms = 200, settle_at_most_ms = 2'000;
    int64_t retry_ms = 5'000, retry_at_most_ms = 300'000;
    bool operator==(const Rhythm&) const = default;
};

class Schedule {
  public:
    enum class End {
        done,
        waits,    // some of it waits for something else: tried again, less and less often
        trouble,  // none of it works: nothing but at_once() runs it before the next try
    };
    // `chance` gives numbers from 0 to below 1: pauses are up to a quarter shorter, so that devices that lost the same
    // server do not come back as one.
    Schedule(Rhythm rhythm, std::function<double()> chance);

    // There is something to do. Runs `settle_ms` after the last such call, `settle_at_most_ms` after the first.
    void wanted(int64_t now);
    // Runs now, or right after the run under way; what went wrong before counts no more.
    void at_once(int64_t now);
    void began();
    void ended(int64_t now, End end);
    void set_rhythm(Rhythm rhythm) { rhythm_ = rhythm; }  // from the next end on

    std::optional<int64_t> next() const;  // absent: it runs, or nothing asks for it
    bool running() const { return running_; }
    bool in_trouble() const { return in_trouble_; }
    int in_vain() const { return in_vain_; }  // ends in a row that were not `done`

  private:
    int64_t shortened(int64_t pause_ms) const;
    Rhythm rhythm_;
    std::function<double()> chance_;
    bool running_ = false, in_trouble_ = false;
    int in_vain_ = 0;
    std::optional<int64_t> asked_, first_wanted_, last_wanted_, timer_;
};

}  // namespace bae::node
