#pragma once
// What waits and what needs a person, gathered during a round. Only what this book changed is written: an idle round
// writes nothing, and what another process stored or a person acknowledged meanwhile stays so.
#include <map>
#include <optional>
#include <set>

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
    const Hold* find(std::string_view subject) const;
    std::vector<Hold> holds() const;  // ascending by subject

    void alarm(std::string_view subject, AlarmReason reason, std::string message, int64_t now_ms);
    void disprove(std::string_view subject, AlarmReason reason);
    std::vector<Alarm> alarms() const;

    bool changed() const { return !changed_holds_.empty() || !changed_alarms_.empty(); }
    Result<void> store(sqlite::Connection& connection);

  private:
    std::map<std::string, Hold, std::less<>> holds_;
    using AlarmKey = std::pair<std::string, AlarmReason>;
    std::map<AlarmKey, Alarm> alarms_;
    std::set<std::string> changed_holds_;
    std::set<AlarmKey> changed_alarms_;
};

}  // namespace bae::sync
