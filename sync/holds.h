#pragma once
// What waits and what needs a person, gathered during a round and written only where it differs from what is stored, so
// that an idle round writes nothing.
#include <map>
#include <optional>

#include "sync/replica.h"

namespace bae::sync {

std::optional<HoldReason> parse_hold_reason(std::string_view text);
std::optional<AlarmReason> parse_alarm_reason(std::string_view text);

class HoldBook {
  public:
    static Result<HoldBook> load(sqlite::Connection& connection);

    // One hold per subject: a later one takes the place of an earlier one, and keeps its date if the reason is the
    // same.
    void hold(std::string_view subject, HoldReason reason, std::string message, int64_t now_ms);
    void release(std::string_view subject);
    void release_all(std::string_view subject_prefix);
    const Hold* find(std::string_view subject) const;
    std::vector<Hold> holds() const;  // ascending by subject

    void alarm(std::string_view subject, AlarmReason reason, std::string message, int64_t now_ms);
    void disprove(std::string_view subject, AlarmReason reason);
    std::vector<Alarm> alarms() const;

    bool changed() const { return changed_; }
    Result<void> store(sqlite::Connection& connection);

  private:
    std::map<std::string, Hold, std::less<>> holds_;
    std::map<std::pair<std::string, AlarmReason>, Alarm> alarms_;
    bool changed_ = false;
};

}  // namespace bae::sync
