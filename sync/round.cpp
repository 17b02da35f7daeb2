#include "sync/round.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "crypto/base/crash_point.h"

namespace bae::sync {

namespace {

constexpr std::string_view kClockSubject = "clock";
constexpr uint64_t kMaxFoundingBytes = 1 << 20;

Result<uint64_t> last_confirmed_number(const ReplicaState& state) {
    auto reader = TRY(state.database().read());
    const auto first_unsent = TRY(reader->integer("SELECT min(object_number) FROM sync_outbox"));
    return first_unsent ? static_cast<uint64_t>(*first_unsent) - 1 : state.row().sealed_number;
}

}  // namespace

Result<SyncReport> Round::run() {
    TRY(begin());
    TRY(pull_and_push());
    TRY(finish());
    if (options_.receive_only) TRY(forget_this_carrier());
    report_.holds = book_.holds();
    if (cancelled_) return fail(ErrorKind::cancelled, "sync was cancelled; what was done stays");
    if (trouble_) return tl::unexpected(context(*trouble_, carrier_.describe()));
    return std::move(report_);
}

Result<void> Round::begin() {
    TRY(state_.refresh());
    local_ms_ = now_ms_ = state_.options().clock.now_ms();
    for (StreamPosition& position : TRY(state_.database().positions())) positions_.emplace(position.device, position);
    auto reader = TRY(state_.database().read());
    book_ = TRY(HoldBook::load(*reader));
    const Hold* held = book_.find(stream_name(state_.self()));
    is_copy_ = held != nullptr && held->reason == HoldReason::copied_device;
    carrier_row_ = TRY(load_carrier(*reader, name_));
    carrier_heads_ = TRY(load_carrier_heads(*reader, name_));
    heads_ = TRY(load_heads(*reader));
    heads_.erase(state_.self());
    return {};
}

Result<void> Round::pull_and_push() {
    if (TRY(meet()) == Go::stop) return {};
    read_heads();
    judge_clock();
    if (is_copy_) TRY(become_new_device());
    complete_membership();
    TRY(read_streams());
    TRY(judge_digests());
    TRY(repair_mirror());
    if (options_.receive_only) return {};
    if (options_.mend_clock) TRY(mend_clock());
    TRY(push());
    if (!is_copy_ || !sending_failed_) return {};
    TRY(finish());  // noticed while sending
    TRY(become_new_device());
    if (is_copy_) return {};
    TRY(read_streams());
    return push();
}

void Round::note(const Error& error) {
    troubles_++;
    if (error.kind == ErrorKind::cancelled) cancelled_ = true;
    if (!trouble_) trouble_ = error;
    if (error.kind == ErrorKind::denied) {
        hold(name_, {HoldReason::carrier_denied, error.message});
    } else {
        hold(name_, {HoldReason::carrier_unreachable, error.message});
    }
}

bool Round::cancelled() {
    if (!cancelled_ && options_.cancelled && options_.cancelled()) cancelled_ = true;
    return cancelled_;
}

void Round::progress(std::string_view phase, uint64_t done, uint64_t total) const {
    if (options_.on_progress) options_.on_progress({std::string(phase), done, total});
}

void Round::run_parallel(std::vector<Task> tasks) const {
    if (options_.run_parallel && tasks.size() > 1) return options_.run_parallel(std::move(tasks));
    for (const Task& task : tasks) task();
}

Result<Round::Go> Round::meet() {
    auto listing = carrier_.list_all("heads/");
    if (!listing) {
        note(listing.error());
        return Go::stop;
    }
    listing_ = std::move(*listing);
    now_ms_ = carrier_.clock_ms().value_or(local_ms_);
    const std::string own = head_path(state_.self());
    own_head_listed_ =
        std::any_of(listing_.begin(), listing_.end(), [&](const s3::ObjectInfo& info) { return info.path == own; });
    // A storage without our head may be another one, mounted at the same place, or emptied: look before anything is
    // sent.
    if (!own_head_listed_ || !carrier_row_) {
        if (TRY(check_library()) == Go::stop) return Go::stop;
    }
    book_.release(name_);
    report_.own_head_gone = carrier_row_ && carrier_row_->head && !own_head_listed_;
    if (!carrier_row_) TRY(first_contact());
    return trouble_ ? Go::stop : Go::on;
}

Result<Round::Go> Round::check_library() {
    const auto object = carrier_.get(kFoundingPath, kMaxFoundingBytes);
    if (object) {
        if (open_founding(state_.row().id, state_.keyring(), *object)) return Go::on;
        hold(name_, {HoldReason::foreign_library, fmt::format("{} holds another library", carrier_.describe())});
        return Go::stop;
    }
    if (object.error().kind == ErrorKind::not_found) {
        hold(name_, {HoldReason::carrier_emptied,
                     fmt::format("{} does not hold this library (any more)", carrier_.describe())});
    } else {
        note(object.error());
    }
    return Go::stop;
}

// Everything the mirror has and this carrier lacks is to be sent.
Result<void> Round::first_contact() {
    std::set<std::string> missing;
    for (const std::string_view prefix : {"library.bae", "keys/", "membership/", "changes/", "heads/"}) {
        for (const s3::ObjectInfo& info : TRY(state_.mirror().list_all(prefix))) missing.insert(info.path);
    }
    missing.erase(head_path(state_.self()));
    for (const std::string_view prefix : {"library.bae", "keys/", "membership/", "changes/", "heads/"}) {
        const auto there = carrier_.list_all(prefix);
        if (!there) return note(there.error()), Result<void>();
        for (const s3::ObjectInfo& info : *there) missing.erase(info.path);
    }
    // What was not confirmed yet is sent, even if it seems to be there: only that confirms it.
    for (uint64_t number = TRY(last_confirmed_number(state_)) + 1; number <= state_.row().sealed_number; number++) {
        missing.insert(change_path(state_.self(), number));
    }
    TRY(state_.database().replicate([&](sqlite::Connection& connection) -> Result<void> {
        TRY(store_carrier(connection, name_, {}));
        for (const std::string& path : missing) TRY(add_outgoing(connection, name_, path));
        return {};
    }));
    carrier_row_ = CarrierRow{};
    return {};
}

void Round::judge_clock() {
    size_t ahead = 0;
    for (const auto& [device, seen] : heads_) ahead += seen.head.date_ms - local_ms_ > kMaxAheadMs ? 1 : 0;
    const bool storage_tells = carrier_.clock_ms().has_value();
    const bool far_off = std::abs(now_ms_ - local_ms_) > kMaxAheadMs;
    // Without a clock of the storage: most devices, this one counted, say that it is later.
    const bool behind = !storage_tells && ahead * 2 > heads_.size() + 1;
    clock_wrong_ = far_off || behind;
    if (clock_wrong_)
        hold(kClockSubject,
             {HoldReason::own_clock,
              "this device's clock differs by more than a day from the storage's and the other devices'"});
    else
        book_.release(kClockSubject);
}

// Equal positions and different states is a bug, of this program or another's. Under the write lock, so that nobody
// changes one while the other is read.
Result<void> Round::judge_digests() {
    if (report_.received_objects == 0 && dirty_heads_.empty()) return {};
    std::map<crypto::DeviceId, uint64_t> here;
    std::optional<Digest> digest;
    TRY(state_.database().replicate([&](sqlite::Connection& connection) -> Result<void> {
        if (TRY(state_.database().outbox_size()) > 0) return {};
        digest = TRY(state_.database().digest());
        for (const StreamPosition& position : TRY(state_.database().positions()))
            here.emplace(position.device, position.number);
        here.insert_or_assign(state_.self(), TRY(state_.current_row(connection)).sealed_number);
        return {};
    }));
    if (digest) compare_digests(std::move(here), *digest);
    return {};
}

void Round::compare_digests(std::map<crypto::DeviceId, uint64_t> here, const Digest& digest) {
    std::erase_if(here, [](const auto& entry) { return entry.second == 0; });
    for (const auto& [device, seen] : heads_) {
        std::map<crypto::DeviceId, uint64_t> there{{device, seen.head.number}};
        for (const StreamReference& applied : seen.head.applied) there.insert_or_assign(applied.device, applied.number);
        std::erase_if(there, [](const auto& entry) { return entry.second == 0; });
        if (!seen.head.digest || here != there) continue;
        if (*seen.head.digest == digest)
            book_.disprove(device.text(), AlarmReason::digest_mismatch);
        else
            alarm(device.text(), AlarmReason::digest_mismatch,
                  fmt::format("device {} applied the same changes and has another state: this is a bug, report it",
                              device.text()));
    }
}

Result<void> Round::finish() {
    const bool anything =
        book_.changed() || !dirty_heads_.empty() || !dirty_carrier_heads_.empty() || dirty_carrier_ || !sent_.empty();
    if (!anything) return {};
    CRASH_POINT("round: before the last record");
    TRY(state_.database().replicate([&](sqlite::Connection& connection) -> Result<void> {
        TRY(write_pending(connection));
        return record_sent(connection);
    }));
    pending_written();
    sent_.clear();
    return {};
}

Result<void> Round::forget_this_carrier() {
    return state_.database().replicate([&](sqlite::Connection& connection) -> Result<void> {
        TRY(connection.run("DELETE FROM sync_carriers WHERE name = ?1", name_));
        TRY(connection.run("DELETE FROM sync_carrier_heads WHERE carrier = ?1", name_));
        return connection.run("DELETE FROM sync_outgoing WHERE carrier = ?1", name_);
    });
}

Result<void> Round::write_pending(sqlite::Connection& connection) {
    for (const crypto::DeviceId& device : dirty_heads_) TRY(store_head(connection, device, heads_.at(device)));
    for (const crypto::DeviceId& device : dirty_carrier_heads_) {
        const auto head = carrier_heads_.find(device);
        if (head == carrier_heads_.end())
            TRY(forget_carrier_head(connection, name_, device));
        else
            TRY(store_carrier_head(connection, name_, device, head->second));
    }
    if (dirty_carrier_ && carrier_row_) TRY(store_carrier(connection, name_, *carrier_row_));
    if (book_.changed()) TRY(book_.store(connection));
    return {};
}

void Round::pending_written() {
    dirty_heads_.clear();
    dirty_carrier_heads_.clear();
    dirty_carrier_ = false;
}

}  // namespace bae::sync
