#include <fmt/format.h>

#include "crypto/base/crash_point.h"
#include "sync/round.h"

namespace bae::sync {

namespace {

constexpr size_t kWindow = 8;  // objects sent at once

}  // namespace

// In the order of their ranks: a reader that sees one object finds everything it needs to open it.
Result<void> Round::send_outgoing() {
    std::vector<std::string> paths;
    {
        auto reader = TRY(state_.database().read());
        paths = TRY(load_outgoing(*reader, name_));
    }
    std::vector<std::string> window;
    for (size_t i = 0; i < paths.size() && !sending_failed_ && !cancelled(); i++) {
        progress("sending", i, paths.size());
        window.push_back(paths[i]);
        const bool last_of_rank = i + 1 == paths.size() || send_rank(paths[i + 1]) != send_rank(paths[i]);
        if (window.size() < kWindow && !last_of_rank) continue;
        TRY(send_window(window));
        window.clear();
    }
    return {};
}

Result<void> Round::send_window(const std::vector<std::string>& paths) {
    struct Sending {
        std::string path;
        Bytes object;
        Result<s3::PutOutcome> outcome = fail(ErrorKind::cancelled, "");
    };
    std::vector<Sending> window;
    for (const std::string& path : paths) {
        auto object = TRY(read_to_send(path));
        if (object) window.push_back({path, std::move(*object)});
    }
    CRASH_POINT("push: before send");
    std::vector<Task> tasks;
    for (Sending& sending : window) {
        tasks.push_back([this, &sending] { sending.outcome = carrier_.put_if_absent(sending.path, sending.object); });
    }
    run_parallel(std::move(tasks));
    CRASH_POINT("push: sent");
    for (const Sending& sending : window) {
        if (!sending.outcome)
            note_unsent(sending.outcome.error());
        else if (*sending.outcome == s3::PutOutcome::exists)
            send_onto_other(sending.path, sending.object);
        else
            sent_.push_back(sending.path);
    }
    return {};
}

// A storage that may only be read is no trouble for what was received: it waits, and says what for.
void Round::note_unsent(const Error& error) {
    sending_failed_ = true;
    if (error.kind == ErrorKind::denied)
        hold(name_,
             {HoldReason::carrier_denied, fmt::format("changes are received, but none sent: {}", error.message)});
    else
        note(error);
}

// Is this what was recorded under this path? What nobody recorded is not sent: it may yet be sealed anew.
Result<bool> Round::is_recorded(const std::string& path, const Bytes& object) {
    const crypto::Hash256 hash = crypto::object_hash(object);
    if (const auto change = parse_change_path(path)) return TRY(known_hash(change->device, change->number)) == hash;
    const auto entry = parse_entry_path(path);
    return !entry || equal(ByteView(hash.bytes).first(entry->hash_start.kSize), entry->hash_start.view());
}

// The mirror's bytes; absent if they are lost or not to be sent.
Result<std::optional<Bytes>> Round::read_to_send(const std::string& path) {
    std::optional<Bytes> none;
    auto object = state_.mirror().get(path, crypto::kMaxObjectBytes);
    if (object && TRY(is_recorded(path, *object))) return std::optional(std::move(*object));
    const auto change = parse_change_path(path);
    if (change && !TRY(known_hash(change->device, change->number))) {
        sent_.push_back(path);
    } else if (is_own_path(path) || path == kFoundingPath) {
        hold(stream_name(state_.self()),
             {HoldReason::damaged_object,
              fmt::format("{} in this device's own store is damaged: bring it back from a backup", path)});
        sending_failed_ = true;
    } else if (change) {  // stays to be sent, and is fetched again by the next repair
        TRY(state_.database().replicate([&](sqlite::Connection& connection) {
            return store_damaged(connection, {change->device, change->number});
        }));
    } else {
        sent_.push_back(path);  // others have it, or will bring it
    }
    return none;
}

bool Round::is_own_path(std::string_view path) const {
    if (const auto change = parse_change_path(path)) return change->device == state_.self();
    if (const auto entry = parse_entry_path(path)) return entry->device == state_.self();
    if (const auto box = parse_key_box_path(path)) return box->writer == state_.self();
    return false;
}

// Something stands where our object should go.
void Round::send_onto_other(const std::string& path, const Bytes& object) {
    const auto there = read_twice(path, crypto::kMaxObjectBytes, &object);
    if (there && equal(*there, object)) return sent_.push_back(path);
    if (!there && there.error().kind != ErrorKind::corrupt) return note_unsent(there.error());
    if (!is_own_path(path)) {
        if (send_rank(path) < send_rank("heads/")) {
            alarm(path, AlarmReason::stored_differently,
                  fmt::format("{} in the storage differs from this device's copy", path));
        }
        return sent_.push_back(path);
    }
    const bool ours =
        there && parse_change_path(path) &&
        open_verified(state_.membership(), state_.keyring(), crypto::ObjectKind::change, path, state_.self(), *there);
    if (ours) {  // signed with our key, and not by this installation: one of the two is a copy
        found_copy();
        sending_failed_ = true;
        return;
    }
    alarm(path, AlarmReason::foreign_bytes,
          fmt::format("somebody else's bytes were at {}; they were overwritten", path));
    const auto put = carrier_.put(path, object);
    if (put)
        sent_.push_back(path);
    else
        note_unsent(put.error());
}

// What stands at a path where something else is expected: read again before it is believed, so that one bad answer
// accuses nobody. Two different answers are `retry`; the expected one ends it at once.
Result<Bytes> Round::read_twice(const std::string& path, uint64_t max_bytes, const Bytes* expected) {
    auto first = carrier_.get(path, max_bytes);
    if (first && expected != nullptr && equal(*first, *expected)) return first;
    auto second = carrier_.get(path, max_bytes);
    if (second && expected != nullptr && equal(*second, *expected)) return second;
    const bool same =
        first && second ? equal(*first, *second) : !first && !second && first.error().kind == second.error().kind;
    if (!same) return fail(ErrorKind::retry, fmt::format("{}: the storage answers differently each time", path));
    if (!first && first.error().kind == ErrorKind::not_found)
        return fail(ErrorKind::retry, fmt::format("{}: there, and not there", path));
    return first;
}

Result<void> Round::record_sent(sqlite::Connection& connection) {
    if (sent_.empty()) return {};
    uint64_t own_changes = 0;
    for (const std::string& path : sent_) {
        TRY(remove_outgoing(connection, name_, path));
        const auto change = parse_change_path(path);
        const bool own = change && change->device == state_.self() && change->number <= state_.row().sealed_number;
        own_changes += own ? 1 : 0;
    }
    if (own_changes == 0) return {};
    uint64_t confirmed = state_.row().sealed_number;
    for (const std::string& path : TRY(load_outgoing(connection, name_))) {
        const auto change = parse_change_path(path);
        if (change && change->device == state_.self()) confirmed = std::min(confirmed, change->number - 1);
    }
    const auto transactions =
        TRY(connection.integer("SELECT count(*) FROM sync_outbox WHERE object_number <= ?1", confirmed));
    report_.sent_transactions += static_cast<uint64_t>(transactions.value_or(0));
    report_.sent_objects += own_changes;
    return state_.database().mark_sent(connection, confirmed);
}

}  // namespace bae::sync
