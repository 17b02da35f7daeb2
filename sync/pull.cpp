#include <fmt/format.h>

#include "crypto/base/crash_point.h"
#include "sync/round.h"

namespace bae::sync {

namespace {

constexpr uint64_t kWindow = 8;                    // objects of one stream fetched at once
constexpr size_t kBatchBytes = 4 << 20;            // of changes merged in one transaction
constexpr int64_t kCheckAfterMs = 10 * 60 * 1000;  // unsynced writes have reached the disk by then, or are lost
constexpr int kChecksPerRound = 32;

}  // namespace

Result<void> Round::read_streams() {
    if (!membership_complete_) return {};
    uint64_t done = 0;
    for (const auto& [device, seen] : heads_) {
        if (gave_up() || cancelled() || !membership_complete_) break;
        progress("receiving", done++, heads_.size());
        const std::string stream = stream_name(device);
        if (state_.membership().has_unknown_kind(device)) {
            hold(stream, {HoldReason::unknown_entry,
                          fmt::format("device {} wrote a membership entry of a newer kind", device.text())});
            continue;
        }
        StreamEnd end{device, 0, {}, std::nullopt};
        const auto position = positions_.find(device);
        if (position != positions_.end())
            end = {device, position->second.number, position->second.hash, position->second.last_stamp};
        if (end.number >= seen.head.number) {
            judge_published(end, seen.head);
            continue;
        }
        TRY(read_stream(end, seen.head.number));
    }
    if (membership_complete_) return merge_arrived();
    arrived_.clear();
    arrived_bytes_ = 0;
    return {};
}

// All that the head tells of is applied: does it tell of the same objects?
void Round::judge_published(const StreamEnd& end, const Head& head) {
    all_arrived_.insert(end.device);
    const bool differs = end.number == head.number && head.number > 0 && end.hash != head.hash;
    if (!differs) return book_.release(stream_name(end.device));
    const auto fork = fork_at(end);
    hold(stream_name(end.device),
         fork ? *fork
              : Refusal{HoldReason::broken_chain,
                        fmt::format("the head of device {} names another object {} than we have", end.device.text(),
                                    head.number)});
}

Result<void> Round::read_stream(StreamEnd end, uint64_t last) {
    while (end.number < last && !gave_up() && !cancelled()) {
        const uint64_t count = std::min(kWindow, last - end.number);
        std::vector<Fetched> window(count);
        std::vector<Task> tasks;
        for (uint64_t i = 0; i < count; i++) {
            tasks.push_back([this, &window, i, device = end.device, number = end.number + 1 + i] {
                window[i] = fetch_object(device, number);
            });
        }
        run_parallel(std::move(tasks));
        CRASH_POINT("pull: fetched");
        for (Fetched& fetched : window) {
            if (!TRY(take_object(end, std::move(fetched)))) return {};
            if (arrived_bytes_ >= kBatchBytes) TRY(merge_arrived());
        }
    }
    if (end.number < last) return {};
    all_arrived_.insert(end.device);
    book_.release(stream_name(end.device));
    return {};
}

Round::Fetched Round::fetch_from_carrier(const std::string& path) {
    return {carrier_.get(path, crypto::kMaxObjectBytes), false};
}

Round::Fetched Round::fetch_object(const crypto::DeviceId& device, uint64_t number) {
    const std::string path = change_path(device, number);
    auto kept = state_.mirror().get(path, crypto::kMaxObjectBytes);
    if (kept) return {std::move(kept), true};
    return fetch_from_carrier(path);
}

Checked<ChangeObject> Round::check_object(const StreamEnd& end, const Bytes& object) {
    auto change = open_change(state_.membership(), state_.keyring(), end, object, now_ms_);
    if (!change &&
        (change.error().reason == HoldReason::unknown_device || change.error().reason == HoldReason::unknown_key)) {
        const auto header = crypto::parse_object(object);
        if (header) read_boxes(header->key_id);
        read_entries(end.device);
        change = open_change(state_.membership(), state_.keyring(), end, object, now_ms_);
    }
    if (!change) return change;
    for (const EntryReference& named : change->membership) {
        if (!state_.membership().knows(named.hash)) read_entries(named.device);
        if (!state_.membership().knows(named.hash)) {
            membership_complete_ = false;
            return refuse(
                HoldReason::membership_incomplete,
                fmt::format("{} was written by somebody who has read a membership entry of device {} that is not here",
                            change_path(end.device, end.number + 1), named.device.text()));
        }
    }
    for (const IncomingTransaction& transaction : change->transactions)
        for (const SeenStamp& seen : transaction.seen)  // invented ones would be kept, and told on, for ever
            if (state_.membership().certificate_of(seen.device) == nullptr)
                return refuse(HoldReason::damaged_object,
                              fmt::format("{} names device {}, which is none of this library",
                                          change_path(end.device, end.number + 1), seen.device.text()));
    const StreamReference here{end.device, end.number + 1, crypto::object_hash(object)};
    if (const auto contradiction = head_contradicts(here)) return refuse(HoldReason::broken_chain, *contradiction);
    return change;
}

std::optional<std::string> Round::head_contradicts(const StreamReference& object) const {
    const auto seen = heads_.find(object.device);
    if (seen == heads_.end() || seen->second.head.number != object.number || seen->second.head.hash == object.hash)
        return std::nullopt;
    return fmt::format("{} is not the object that the device's head names", change_path(object.device, object.number));
}

Result<bool> Round::take_object(StreamEnd& end, Fetched fetched) {
    const std::string stream = stream_name(end.device);
    const std::string path = change_path(end.device, end.number + 1);
    Checked<ChangeObject> change = refuse(HoldReason::missing_object, path + " is not there");
    if (fetched.bytes) change = check_object(end, *fetched.bytes);
    if (!change &&
        fetched.from_mirror) {  // lost bytes of a power cut, or of another history: the carrier may have better ones
        Fetched again = fetch_from_carrier(path);
        if (again.bytes) {
            fetched = std::move(again);
            change = check_object(end, *fetched.bytes);
        }
    }
    if (!fetched.bytes && fetched.bytes.error().kind == ErrorKind::corrupt)
        change = tl::unexpected(refusal_of(fetched.bytes.error()));
    else if (!fetched.bytes && fetched.bytes.error().kind != ErrorKind::not_found)
        return note(fetched.bytes.error()), false;
    if (!change) {
        const bool broken = change.error().reason == HoldReason::broken_chain;
        const auto fork = broken && end.number > 0 ? fork_at(end) : std::nullopt;
        hold(stream, fork ? *fork : change.error());
        return false;
    }
    if (!fetched.from_mirror) {
        TRY_CONTEXT(state_.mirror_unsynced().put(path, *fetched.bytes), "writing the mirror");
        report_.received_objects++;
    }
    const Stamp last = change->transactions.back().stamp;
    end = {end.device, end.number + 1, crypto::object_hash(*fetched.bytes), last};
    arrived_bytes_ += change->body.size();
    arrived_.push_back({{end.device, end.number, end.hash}, std::move(*change), !fetched.from_mirror});
    return true;
}

// Is there a second object under the number we have, as validly signed? Then both are kept, and somebody must decide.
std::optional<Refusal> Round::fork_at(const StreamEnd& end) {
    const std::string path = change_path(end.device, end.number);
    const Fetched other = fetch_from_carrier(path);
    if (!other.bytes) return std::nullopt;
    const crypto::Hash256 hash = crypto::object_hash(*other.bytes);
    if (hash == end.hash || !open_verified(state_.membership(), state_.keyring(), crypto::ObjectKind::change, path,
                                           end.device, *other.bytes))
        return std::nullopt;
    const std::string evidence =
        fmt::format("evidence/{}/{:010}-{}.enc", end.device.text(), end.number, hash.text().substr(0, 16));
    const auto kept = state_.mirror().put(evidence, *other.bytes);
    if (!kept) note(kept.error());
    alarm(stream_name(end.device), AlarmReason::forked_stream,
          fmt::format("device {} signed two different objects {}", end.device.text(), end.number));
    return Refusal{HoldReason::forked,
                   fmt::format("device {} signed two different objects {}; what follows is not applied here",
                               end.device.text(), end.number)};
}

Result<void> Round::merge_arrived() {
    if (arrived_.empty()) return {};
    progress("merging", 0, arrived_.size());
    std::vector<IncomingObject> objects;
    for (const Arrived& arrived : arrived_) {
        const crypto::Certificate* author = state_.membership().certificate_of(arrived.reference.device);
        objects.push_back({arrived.reference.device, arrived.reference.number, arrived.reference.hash,
                           arrived.change.transactions, author ? author->body().continued : std::nullopt,
                           arrived.change.previous});
    }
    CRASH_POINT("pull: before merge");
    const MergeReport merged =
        TRY(state_.database().merge(objects, [&](sqlite::Connection& connection) -> Result<void> {
            for (const Arrived& arrived : arrived_) {
                TRY(record_arrived(connection, arrived));
                TRY(drop_from_outbox(connection, arrived));
            }
            return write_pending(connection);
        }));
    CRASH_POINT("pull: merged");
    pending_written();
    report_.received_transactions += merged.transactions;
    report_.received_rows += merged.rows;
    for (const Arrived& arrived : arrived_) {
        const StreamReference& at = arrived.reference;
        positions_.insert_or_assign(
            at.device, StreamPosition{at.device, at.number, at.hash, arrived.change.transactions.back().stamp});
    }
    arrived_.clear();
    arrived_bytes_ = 0;
    return {};
}

// What the mirror has already and was never recorded may be what a round wrote, without fsync, that ended before it
// merged.
Result<void> Round::record_arrived(sqlite::Connection& connection, const Arrived& arrived) const {
    const StreamReference& at = arrived.reference;
    const bool recorded = TRY(object_hash_at(connection, at.device, at.number)).has_value();
    if (arrived.unsynced || !recorded) TRY(store_unchecked(connection, {at.device, at.number}, local_ms_));
    return store_object_hash(connection, at);
}

// A copied installation may hold transactions in its outbox that the stream it was copied from has sent already. The
// stamp alone does not tell: two copies whose clock is behind what they have seen count on from there alike.
Result<void> Round::drop_from_outbox(sqlite::Connection& connection, const Arrived& arrived) const {
    const auto& continued = state_.certificate().body().continued;
    if (!continued || *continued != arrived.reference.device) return {};
    for (const IncomingTransaction& transaction : arrived.change.transactions) {
        TRY(connection.run("DELETE FROM sync_outbox WHERE stamp = ?1 AND changes = ?2 AND object_number IS NULL",
                           transaction.stamp.text(), transaction.changes));
    }
    return {};
}

// Objects that came without fsync are read once more when the disk must have them, and fetched again if it does not.
Result<void> Round::repair_mirror() {
    std::vector<UncheckedObject> objects;
    {
        auto reader = TRY(state_.database().read());
        objects = TRY(load_unchecked(*reader, local_ms_ - kCheckAfterMs, kChecksPerRound));
    }
    if (objects.empty()) return {};
    std::vector<std::pair<UncheckedObject, bool>> looked_at;
    for (const UncheckedObject& object : objects) {
        if (gave_up()) break;
        looked_at.emplace_back(object, TRY(repair_object(object)));
    }
    return state_.database().replicate([&](sqlite::Connection& connection) -> Result<void> {
        for (const auto& [object, good] : looked_at)
            TRY(good ? remove_unchecked(connection, object)
                     : store_unchecked(connection, object, local_ms_ - kCheckAfterMs - 1));  // due, after all others
        return {};
    });
}

Result<bool> Round::repair_object(const UncheckedObject& object) {
    const std::string path = change_path(object.device, object.number);
    const auto expected = TRY(known_hash(object.device, object.number));
    if (!expected) return true;
    const auto kept = state_.mirror().get(path, crypto::kMaxObjectBytes);
    if (kept && crypto::object_hash(*kept) == *expected) return true;
    const Fetched again = fetch_from_carrier(path);
    if (!again.bytes) {
        if (again.bytes.error().kind != ErrorKind::not_found && again.bytes.error().kind != ErrorKind::corrupt)
            note(again.bytes.error());
        return false;
    }
    if (crypto::object_hash(*again.bytes) != *expected) {
        alarm(path, AlarmReason::stored_differently,
              fmt::format("the storage has other bytes at {} than were applied here", path));
        return false;
    }
    book_.disprove(path, AlarmReason::stored_differently);
    TRY(state_.mirror().put(path, *again.bytes));
    return true;
}

}  // namespace bae::sync
