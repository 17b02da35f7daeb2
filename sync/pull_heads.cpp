#include <fmt/format.h>

#include "sync/round.h"

namespace bae::sync {

namespace {

constexpr int64_t kConfirmAfterMs =
    10 * 60 * 1000;  // a head is fetched once more after this time: storages may have answered with an older one
constexpr int64_t kPutSlackMs = 2 * 60 * 1000;  // between our clock at the end of a PUT and the storage's date of it

}  // namespace

void Round::read_heads() {
    std::vector<std::pair<crypto::DeviceId, const s3::ObjectInfo*>> changed;
    for (const s3::ObjectInfo& info : listing_) {
        const auto device = parse_head_path(info.path);
        if (!device) continue;
        if (*device == state_.self())
            read_own_head(info);
        else if (!is_unchanged(*device, info))
            changed.emplace_back(*device, &info);
    }
    std::vector<Result<Bytes>> objects(changed.size(), Result<Bytes>(fail(ErrorKind::cancelled, "")));
    std::vector<Task> tasks;
    for (size_t i = 0; i < changed.size(); i++) {
        tasks.push_back([&, i] { objects[i] = carrier_.get(changed[i].second->path, kMaxHeadBytes); });
    }
    run_parallel(std::move(tasks));
    for (size_t i = 0; i < changed.size(); i++) {
        const auto& [device, info] = changed[i];
        if (objects[i])
            accept_head(device, *info, *objects[i]);
        else if (objects[i].error().kind == ErrorKind::not_found)
            hold(info->path, {HoldReason::missing_object, info->path + " is listed but not there"});
        else if (objects[i].error().kind == ErrorKind::corrupt)
            hold(info->path, refusal_of(objects[i].error()));
        else
            note(objects[i].error());
    }
    notice_missing_heads();
    for (const auto& [author, claim] : own_claims_) {
        if (!is_copy_) judge_own_claim(author, claim);
    }
}

bool Round::is_unchanged(const crypto::DeviceId& device, const s3::ObjectInfo& info) const {
    const auto known = carrier_heads_.find(device);
    if (known == carrier_heads_.end() || info.version.empty() || known->second.version != info.version) return false;
    return known->second.confirmed || local_ms_ - known->second.fetched_ms < kConfirmAfterMs;
}

void Round::notice_missing_heads() {
    std::set<std::string> listed;
    for (const s3::ObjectInfo& info : listing_) listed.insert(info.path);
    for (const auto& [device, head] : carrier_heads_) {
        const std::string path = head_path(device);
        if (device == state_.self()) continue;
        if (listed.contains(path))
            book_.disprove(path, AlarmReason::head_gone);
        else
            alarm(path, AlarmReason::head_gone, fmt::format("the head of device {} is no longer there", device.text()));
    }
    for (const Hold& hold : book_.holds()) {  // of heads that nobody shows any more
        if (hold.subject.starts_with("heads/") && !listed.contains(hold.subject)) book_.release(hold.subject);
    }
}

Checked<Head> Round::open_head(const crypto::DeviceId& device, const Bytes& object) {
    const std::string path = head_path(device);
    const auto open = [&] {
        return open_verified(state_.membership(), state_.keyring(), crypto::ObjectKind::head, path, device, object);
    };
    auto plaintext = open();
    if (!plaintext && (plaintext.error().reason == HoldReason::unknown_device ||
                       plaintext.error().reason == HoldReason::unknown_key)) {
        const auto header = crypto::parse_object(object);
        if (header && !state_.keyring().has(header->key_id)) read_boxes(header->key_id);
        read_entries(device);
        plaintext = open();
    }
    if (!plaintext) return tl::unexpected(plaintext.error());
    auto head = decode_head(*plaintext);
    if (!head) return tl::unexpected(refusal_of(context(head.error(), path)));
    return std::move(*head);
}

void Round::accept_head(const crypto::DeviceId& device, const s3::ObjectInfo& info, const Bytes& object) {
    const auto head = open_head(device, object);
    if (!head) return hold(info.path, head.error());
    book_.release(info.path);
    const crypto::Hash256 hash = crypto::object_hash(object);
    const auto known = heads_.find(device);
    if (known != heads_.end() && head->counter < known->second.head.counter) {
        return alarm(info.path, AlarmReason::rolled_back,
                     fmt::format("the storage serves head {} of device {}, after it served {}", head->counter,
                                 device.text(), known->second.head.counter));
    }
    book_.disprove(info.path, AlarmReason::rolled_back);
    if (known != heads_.end() && head->counter == known->second.head.counter && hash != known->second.hash) {
        return alarm(stream_name(device), AlarmReason::forked_stream,
                     fmt::format("device {} signed two different heads of one number", device.text()));
    }
    const bool same = known != heads_.end() && hash == known->second.hash;
    remember_listed(device, info, same);
    if (same) return;
    heads_.insert_or_assign(device, SeenHead{hash, *head});
    dirty_heads_.insert(device);
    // A copy for whoever copies from this mirror; if it fails, the next head is another chance.
    static_cast<void>(state_.mirror_unsynced().put(info.path, object));
    judge_claims(device, *head);
}

// Where the listing shows another version and the bytes are the same, the storage may have answered with the older one:
// the head is fetched in every round then, until that is no longer likely.
void Round::remember_listed(const crypto::DeviceId& device, const s3::ObjectInfo& info, bool same) {
    const auto listed = carrier_heads_.find(device);
    CarrierHead now{info.version, local_ms_, false};
    if (listed != carrier_heads_.end() && listed->second.version == info.version) {
        now.confirmed = true;
    } else if (listed != carrier_heads_.end() && same) {
        const bool doubted = listed->second.version.empty();
        if (doubted && local_ms_ - listed->second.fetched_ms < kConfirmAfterMs) return;
        now.confirmed = doubted;
        if (!doubted) now.version.clear();
    }
    carrier_heads_.insert_or_assign(device, now);
    dirty_carrier_heads_.insert(device);
}

Result<std::optional<crypto::Hash256>> Round::known_hash(const crypto::DeviceId& device, uint64_t number) {
    auto reader = TRY(state_.database().read());
    return object_hash_at(*reader, device, number);
}

// What a head says of streams, against what is known here. A claim about others proves nothing, but it is evidence.
void Round::judge_claims(const crypto::DeviceId& author, const Head& head) {
    std::vector<StreamReference> claims = head.applied;
    if (head.number > 0) claims.push_back({author, head.number, head.hash});
    for (const StreamReference& claim : claims) {
        const auto known = known_hash(claim.device, claim.number);
        if (!known) continue;
        if (claim.device == state_.self()) {
            if (*known != claim.hash) own_claims_.emplace_back(author, claim);
        } else if (known->has_value() && **known != claim.hash) {
            alarm(stream_name(claim.device), AlarmReason::forked_stream,
                  fmt::format("device {} has another object {} of device {} than this one", author.text(), claim.number,
                              claim.device.text()));
        }
    }
}

// Somebody else's word is only a reason to look: this device gives up its name for nothing but its own signature.
void Round::judge_own_claim(const crypto::DeviceId& author, const StreamReference& claim) {
    for (const uint64_t number : std::set{claim.number, std::min(claim.number, state_.row().sealed_number + 1)}) {
        const auto found = signed_by_another(number);
        if (!found) {  // so that the next round looks at this head again
            dirty_heads_.erase(author);
            dirty_carrier_heads_.erase(author);
            return note(found.error());
        }
        if (*found) return found_copy();
    }
    const auto known = known_hash(state_.self(), claim.number);
    if (!known || *known == claim.hash) return;  // written by another process of this home in the meantime
    alarm(stream_name(state_.self()), AlarmReason::forked_stream,
          fmt::format("device {} has read an object {} of this device that this device did not write, and the storage "
                      "does not have it",
                      author.text(), claim.number));
}

Result<bool> Round::signed_by_another(uint64_t number) {
    const std::string path = change_path(state_.self(), number);
    const auto there = carrier_.get(path, crypto::kMaxObjectBytes);
    if (!there && there.error().kind != ErrorKind::not_found && there.error().kind != ErrorKind::corrupt)
        return tl::unexpected(there.error());
    if (!there ||
        !open_verified(state_.membership(), state_.keyring(), crypto::ObjectKind::change, path, state_.self(), *there))
        return false;
    return TRY(known_hash(state_.self(), number)) != crypto::object_hash(*there);
}

void Round::read_own_head(const s3::ObjectInfo& info) {
    const auto known = carrier_heads_.find(state_.self());
    const bool expected = !options_.creates_race && known != carrier_heads_.end() && known->second.version.empty() &&
                          info.size == carrier_row_->head_size && info.modified_ms > 0 &&
                          std::abs(info.modified_ms - carrier_row_->head_put_ms) <= kPutSlackMs;
    if (expected) {
        known->second.version = info.version;
        dirty_carrier_heads_.insert(state_.self());
        return;
    }
    const bool put_later =
        carrier_.clock_ms() && carrier_row_->head && info.modified_ms - carrier_row_->head_put_ms > kPutSlackMs;
    if (put_later) {
        carrier_row_->head_put_ms = info.modified_ms;
        dirty_carrier_ = true;
    }
    const bool seen = known != carrier_heads_.end() && !known->second.version.empty() && !info.version.empty();
    const bool same = seen && known->second.version == info.version;
    // Nobody else writes it, but who fills an emptied place from a mirror puts it back.
    if (put_later || (seen && !same)) report_.own_head_gone = true;
    if (same) return;
    auto object = carrier_.get(info.path, kMaxHeadBytes);
    if (object && !open_head(state_.self(), *object)) object = read_twice(info.path, kMaxHeadBytes, nullptr);
    if (object) return judge_own_head(*object, info);
    const ErrorKind kind = object.error().kind;
    if (kind == ErrorKind::not_found || kind == ErrorKind::corrupt)
        own_head_damaged_ = true;
    else
        note(object.error());
}

// The own head there is not the one we know of. If this device signed it with a counter we never used, somebody else
// has our keys: a copy of this installation, or the one we are a copy of.
void Round::judge_own_head(const Bytes& object, const s3::ObjectInfo& info) {
    const auto head = open_head(state_.self(), object);
    if (!head) {
        own_head_damaged_ = true;
        return alarm(info.path, AlarmReason::foreign_bytes,
                     fmt::format("somebody else's bytes were at {}; they were overwritten", info.path));
    }
    const auto row = own_row();  // another process of this home may have written it since the round began
    const auto known = known_hash(state_.self(), head->number);
    if (!row || !known) return;  // what reads the database next ends the round
    const bool same_history = head->number == 0 || *known == head->hash;
    if (head->counter > row->head_counter || !same_history) {
        found_copy();
        heads_.insert_or_assign(state_.self(), SeenHead{crypto::object_hash(object), *head});
        return;
    }
    carrier_heads_.insert_or_assign(state_.self(), CarrierHead{info.version, local_ms_, true});
    dirty_carrier_heads_.insert(state_.self());
    if (head->counter < carrier_row_->head_counter) {
        own_head_damaged_ = true;
        return alarm(info.path, AlarmReason::rolled_back,
                     fmt::format("the storage serves an older head of this device ({} after {})", head->counter,
                                 carrier_row_->head_counter));
    }
    book_.disprove(info.path, AlarmReason::rolled_back);
    carrier_row_->head = *head;
    carrier_row_->head_counter = head->counter;
    dirty_carrier_ = true;
    if (options_.creates_race && !options_.receive_only) put_own_end_back(*head);
}

}  // namespace bae::sync
