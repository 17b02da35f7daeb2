#include <fmt/format.h>

#include "crypto/base/crash_point.h"
#include "sync/new_device.h"
#include "sync/round.h"

namespace bae::sync {

// Stored as a hold until it is resolved: whatever this round stores besides, the next one must not go on under the old
// name.
void Round::found_copy() {
    is_copy_ = true;
    hold(stream_name(state_.self()), {HoldReason::copied_device,
                                      "this installation is a copy of another one that goes on writing as the same "
                                      "device"});
}

Result<void> Round::become_new_device() {
    const crypto::DeviceId old = state_.self();
    const ReplicaOptions& options = state_.options();
    const auto noticed = heads_.extract(old);  // not one of the others yet
    if (options.identity == nullptr || !options.on_new_device) return {};
    std::optional<SeenHead> old_head;
    if (!noticed.empty()) old_head = noticed.mapped();
    const auto common = TRY(last_common_number(old_head));
    if (!common) return {};
    if (!read_old_head(old, old_head)) return {};
    crypto::DeviceKeys keys = crypto::DeviceKeys::generate(options.random);
    TRY(announce_new_device(state_, keys.id(), *common));
    CRASH_POINT("copy: announced");
    TRY_CONTEXT(options.on_new_device(keys), "storing the keys of the new device");
    CRASH_POINT("copy: keys stored");
    TRY(continue_as_new_device(state_, std::move(keys), *common));
    if (old_head) {
        heads_.insert_or_assign(old, std::move(*old_head));
        dirty_heads_.insert(old);
    }
    alarm(state_.self().text(), AlarmReason::copied_device,
          fmt::format("this installation was a copy of device {}; it goes on as device {}", old.text(),
                      state_.self().text()));
    book_.release(stream_name(old));
    carrier_heads_.erase(old);
    carrier_row_->head.reset();
    carrier_row_->head_counter = 0;
    own_head_listed_ = false;
    next_head_.reset();
    is_copy_ = false;
    sending_failed_ = false;
    return {};
}

// Walks back from our newest object to one the carrier has too, and the other copy. Where creates race, ours may lie
// under a number that the other one has used: who goes on under the old name puts its own back there.
Result<std::optional<uint64_t>> Round::last_common_number(const std::optional<SeenHead>& other) {
    uint64_t newest = state_.row().sealed_number;
    if (other && other->head.number > 0 && other->head.number <= newest &&
        TRY(known_hash(state_.self(), other->head.number)) != other->head.hash)
        newest = other->head.number - 1;
    for (uint64_t number = newest; number > 0; number--) {
        const auto there = carrier_.get(change_path(state_.self(), number), crypto::kMaxObjectBytes);
        if (!there && there.error().kind != ErrorKind::not_found && there.error().kind != ErrorKind::corrupt) {
            note(there.error());
            return std::optional<uint64_t>();
        }
        const auto here = TRY(known_hash(state_.self(), number));
        if (there && here && crypto::object_hash(*there) == *here) return std::optional(number);
    }
    return std::optional<uint64_t>(0);
}

// The storage's head of this device is ours, so the name is. Its newest objects may still be another copy's, which
// created them at the same time and finds our head: ours go back to their places.
void Round::put_own_end_back(const Head& head) {
    for (uint64_t number = head.number; number > 0; number--) {
        const std::string path = change_path(state_.self(), number);
        const auto mine = read_to_send(path);
        if (!mine || !*mine) return;
        const auto there = read_twice(path, crypto::kMaxObjectBytes, &**mine);
        if (!there) return note(there.error());
        if (equal(*there, **mine)) return;
        alarm(stream_name(state_.self()), AlarmReason::copied_device,
              fmt::format("a copy of this installation wrote {} as the same device; this one's bytes were put back",
                          path));
        const auto put = carrier_.put(path, **mine);
        if (!put) return note_unsent(put.error());
    }
}

bool Round::read_old_head(const crypto::DeviceId& old, std::optional<SeenHead>& seen) {
    const auto object = carrier_.get(head_path(old), kMaxHeadBytes);
    if (!object && object.error().kind != ErrorKind::not_found && object.error().kind != ErrorKind::corrupt)
        return note(object.error()), false;
    if (!object) return true;
    if (const auto head = open_head(old, *object)) seen = SeenHead{crypto::object_hash(*object), *head};
    return true;
}

// Before a copy says anything as a new device it reads what its old name has said, to its end.
bool Round::old_stream_is_read() const {
    const auto& continued = state_.certificate().body().continued;
    if (!continued || state_.row().sealed_number > 0 || !heads_.contains(*continued)) return true;
    return all_arrived_.contains(*continued);
}

}  // namespace bae::sync
