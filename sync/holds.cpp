#include "sync/holds.h"

#include <array>

namespace bae::sync {

namespace {

struct HoldWords {
    HoldReason reason;
    std::string_view name, release;
};
constexpr std::array<HoldWords, 18> kHolds{{
    {HoldReason::missing_object, "missing_object",
     "goes on when the storage has the missing object; the device that wrote it sends it again to a new storage"},
    {HoldReason::damaged_object, "damaged_object",
     "goes on when undamaged bytes arrive; restore the object in the storage"},
    {HoldReason::bad_signature, "bad_signature",
     "goes on when the object its device signed arrives; somebody else wrote to the storage"},
    {HoldReason::broken_chain, "broken_chain",
     "goes on when the object that follows ours arrives; the storage shows another history"},
    {HoldReason::unknown_key, "unknown_key", "goes on when this device is given the key: sync a device that has it"},
    {HoldReason::unknown_device, "unknown_device", "goes on when the device's certificate arrives"},
    {HoldReason::unknown_entry, "unknown_entry", "upgrade this program"},
    {HoldReason::newer_format, "newer_format", "upgrade this program"},
    {HoldReason::newer_schema, "newer_schema", "upgrade this program"},
    {HoldReason::dated_ahead, "dated_ahead", "goes on when that time comes, or when the clocks are mended"},
    {HoldReason::membership_incomplete, "membership_incomplete",
     "goes on when the membership entry that others have read arrives"},
    {HoldReason::forked, "forked", "two histories of one device: somebody has to decide which one counts"},
    {HoldReason::own_clock, "own_clock", "set this machine's clock, then sync with --mend-clock"},
    {HoldReason::copied_device, "copied_device", "pair this device anew with a device that holds the identity"},
    {HoldReason::carrier_unreachable, "carrier_unreachable", "goes on when the storage can be reached"},
    {HoldReason::carrier_denied, "carrier_denied", "check credentials and permissions of the storage"},
    {HoldReason::carrier_emptied, "carrier_emptied",
     "bring the storage back, or name it again with 'bucket use', on every device that has files to send, to fill it "
     "anew"},
    {HoldReason::foreign_library, "foreign_library", "name a storage that is empty or holds this library"},
}};

struct AlarmWords {
    AlarmReason reason;
    std::string_view name;
};
constexpr std::array<AlarmWords, 7> kAlarms{{
    {AlarmReason::rolled_back, "rolled_back"},
    {AlarmReason::head_gone, "head_gone"},
    {AlarmReason::forked_stream, "forked_stream"},
    {AlarmReason::digest_mismatch, "digest_mismatch"},
    {AlarmReason::foreign_bytes, "foreign_bytes"},
    {AlarmReason::copied_device, "copied_device"},
    {AlarmReason::stored_differently, "stored_differently"},
}};

const HoldWords& words_of(HoldReason reason) {
    for (const HoldWords& words : kHolds) {
        if (words.reason == reason) return words;
    }
    CHECK(false && "a hold reason without words");
    return kHolds[0];
}

}  // namespace

std::string_view to_string(HoldReason reason) { return words_of(reason).name; }
std::string_view release_of(HoldReason reason) { return words_of(reason).release; }

std::string_view to_string(AlarmReason reason) {
    for (const AlarmWords& words : kAlarms) {
        if (words.reason == reason) return words.name;
    }
    CHECK(false && "an alarm reason without words");
    return {};
}

std::optional<HoldReason> parse_hold_reason(std::string_view text) {
    for (const HoldWords& words : kHolds) {
        if (words.name == text) return words.reason;
    }
    return std::nullopt;
}

std::optional<AlarmReason> parse_alarm_reason(std::string_view text) {
    for (const AlarmWords& words : kAlarms) {
        if (words.name == text) return words.reason;
    }
    return std::nullopt;
}

Result<HoldBook> HoldBook::load(sqlite::Connection& connection) {
    HoldBook book;
    TRY(connection.each("SELECT subject, reason, message, since_ms FROM sync_holds", [&](const sqlite::Statement& row) {
        const auto reason = parse_hold_reason(row.text(1));
        if (reason) book.holds_.emplace(row.string(0), Hold{row.string(0), *reason, row.string(2), row.integer(3)});
    }));
    TRY(connection.each("SELECT subject, reason, message, since_ms FROM sync_alarms",
                        [&](const sqlite::Statement& row) {
                            const auto reason = parse_alarm_reason(row.text(1));
                            if (reason)
                                book.alarms_.emplace(std::pair(row.string(0), *reason),
                                                     Alarm{row.string(0), *reason, row.string(2), row.integer(3)});
                        }));
    return book;
}

void HoldBook::hold(std::string_view subject, HoldReason reason, std::string message, int64_t now_ms) {
    const auto found = holds_.find(subject);
    if (found == holds_.end()) {
        holds_.emplace(subject, Hold{std::string(subject), reason, std::move(message), now_ms});
        changed_holds_.emplace(subject);
        return;
    }
    Hold& present = found->second;
    if (present.reason == reason && present.message == message) return;
    if (present.reason != reason) present.since_ms = now_ms;
    present.reason = reason;
    present.message = std::move(message);
    changed_holds_.emplace(subject);
}

void HoldBook::release(std::string_view subject) {
    const auto found = holds_.find(subject);
    if (found == holds_.end()) return;
    changed_holds_.insert(found->first);
    holds_.erase(found);
}

const Hold* HoldBook::find(std::string_view subject) const {
    const auto found = holds_.find(subject);
    return found == holds_.end() ? nullptr : &found->second;
}

std::vector<Hold> HoldBook::holds() const {
    std::vector<Hold> list;
    for (const auto& [subject, hold] : holds_) list.push_back(hold);
    return list;
}

void HoldBook::alarm(std::string_view subject, AlarmReason reason, std::string message, int64_t now_ms) {
    const AlarmKey key{std::string(subject), reason};
    if (alarms_.try_emplace(key, Alarm{key.first, reason, std::move(message), now_ms}).second)
        changed_alarms_.insert(key);
}

void HoldBook::disprove(std::string_view subject, AlarmReason reason) {
    const AlarmKey key{std::string(subject), reason};
    if (alarms_.erase(key) > 0) changed_alarms_.insert(key);
}

std::vector<Alarm> HoldBook::alarms() const {
    std::vector<Alarm> list;
    for (const auto& [key, alarm] : alarms_) list.push_back(alarm);
    return list;
}

Result<void> HoldBook::store(sqlite::Connection& connection) {
    for (const std::string& subject : changed_holds_) {
        TRY(connection.run("DELETE FROM sync_holds WHERE subject = ?1", subject));
        if (const Hold* hold = find(subject))
            TRY(connection.run("INSERT INTO sync_holds VALUES (?1, ?2, ?3, ?4)", subject, to_string(hold->reason),
                               hold->message, hold->since_ms));
    }
    for (const AlarmKey& key : changed_alarms_) {
        const std::string_view reason = to_string(key.second);
        TRY(connection.run("DELETE FROM sync_alarms WHERE subject = ?1 AND reason = ?2", key.first, reason));
        const auto alarm = alarms_.find(key);
        if (alarm != alarms_.end())
            TRY(connection.run("INSERT INTO sync_alarms VALUES (?1, ?2, ?3, ?4)", key.first, reason,
                               alarm->second.message, alarm->second.since_ms));
    }
    changed_holds_.clear();
    changed_alarms_.clear();
    return {};
}

}  // namespace bae::sync
