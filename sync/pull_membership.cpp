#include <fmt/format.h>

#include "sync/round.h"

namespace bae::sync {

namespace {

constexpr uint64_t kMaxBoxBytes = 4096;
constexpr std::string_view kSubject = "membership/";

}  // namespace

void Round::read_entries(const crypto::DeviceId& device) {
    fetch_entries(entry_directory(device));
    settle_entries();
}

void Round::read_all_entries() {
    fetch_entries("membership/");
    settle_entries();
}

void Round::fetch_entries(std::string_view prefix) {
    if (gave_up() || !listed_.emplace(prefix).second) return;
    const auto listing = carrier_.list_all(prefix);
    if (!listing) return note(listing.error());
    for (const Hold& held : book_.holds()) {  // of entries that nobody shows any more
        const bool listed = std::any_of(listing->begin(), listing->end(),
                                        [&](const s3::ObjectInfo& info) { return info.path == held.subject; });
        if (held.subject.starts_with(prefix) && parse_entry_path(held.subject) && !listed) book_.release(held.subject);
    }
    for (const s3::ObjectInfo& info : *listing) {
        const auto path = parse_entry_path(info.path);
        if (!path || new_entries_.contains(info.path)) continue;
        if (state_.membership().knows_path(*path)) continue;
        const auto object = carrier_.get(info.path, kMaxEntryObjectBytes);
        if (object)
            new_entries_.emplace(info.path, *object);
        else if (object.error().kind == ErrorKind::not_found)
            hold(info.path, {HoldReason::missing_object, info.path + " is listed but not there"});
        else if (object.error().kind == ErrorKind::corrupt)
            hold(info.path, refusal_of(object.error()));
        else
            note(object.error());
    }
}

// Takes what can be taken, again and again: one entry may need another, or a key that another brings.
void Round::settle_entries() {
    for (bool moved = true; moved;) {
        moved = false;
        for (auto at = new_entries_.begin(); at != new_entries_.end();) {
            const bool done = settle_entry(at->first);
            moved = moved || done;
            at = done ? new_entries_.erase(at) : std::next(at);
        }
        if (!moved && !new_entries_.empty() && !listed_.contains(std::string(kSubject))) {
            fetch_entries(kSubject);  // what they have read may be anybody's
            moved = true;
        }
    }
}

bool Round::settle_entry(const std::string& path) {
    const auto place = parse_entry_path(path);
    const Bytes& object = new_entries_.at(path);
    auto entry = open_entry(state_.membership(), state_.keyring(), *place, object);
    if (!entry && entry.error().reason == HoldReason::unknown_key) {
        const auto header = crypto::parse_object(object);
        if (header) read_boxes(header->key_id);
        entry = open_entry(state_.membership(), state_.keyring(), *place, object);
    }
    if (!entry) {
        hold(path, entry.error());
        // its signer's certificate, or its key, may be among the others
        return entry.error().reason != HoldReason::unknown_device && entry.error().reason != HoldReason::unknown_key;
    }
    book_.release(path);
    if (state_.membership().missing(*entry) == Membership::Missing::past) return false;
    const auto added = state_.add_entry(*place, object, std::move(*entry));
    if (!added) hold(path, refusal_of(added.error()));
    return true;
}

void Round::read_boxes(const crypto::KeyId& key) {
    if (state_.keyring().has(key)) return;
    for (const crypto::RecipientTag& recipient : state_.recipient_tags()) {
        const std::string prefix = fmt::format("keys/{}/{}/", key.text(), recipient.text());
        if (gave_up() || !listed_.insert(prefix).second) continue;
        const auto listing = carrier_.list_all(prefix);
        if (!listing) return note(listing.error());
        for (const s3::ObjectInfo& info : *listing) {
            const auto path = parse_key_box_path(info.path);
            if (!path) continue;
            const auto object = carrier_.get(info.path, kMaxBoxBytes);
            if (object)
                take_box(*path, *object);
            else if (object.error().kind != ErrorKind::not_found && object.error().kind != ErrorKind::corrupt)
                note(object.error());
        }
    }
}

void Round::take_box(const KeyBoxPath& path, const Bytes& object) {
    const std::string name = key_box_path(path.key, path.recipient, path.writer);
    auto master = open_verified_box(state_.membership(), path, object, state_.opener(path.recipient));
    if (!master && master.error().reason == HoldReason::unknown_device) {
        read_entries(path.writer);
        master = open_verified_box(state_.membership(), path, object, state_.opener(path.recipient));
    }
    if (!master) return hold(name, master.error());
    book_.release(name);
    const auto kept = state_.mirror().put(name, object);
    if (!kept) return note(kept.error());
    state_.keyring().add(std::move(*master));
    state_.keyring().learn(state_.membership());
}

bool Round::knows_all(const std::vector<EntryReference>& entries) const {
    return std::all_of(entries.begin(), entries.end(),
                       [&](const EntryReference& entry) { return state_.membership().knows(entry.hash); });
}

// What was refused in an earlier round may be good now.
void Round::retry_held() {
    for (const Hold& held : book_.holds()) {
        if (const auto entry = parse_entry_path(held.subject)) {
            if (state_.membership().knows_path(*entry))
                book_.release(held.subject);
            else
                read_entries(entry->device);
        }
        const auto box = parse_key_box_path(held.subject);
        if (!box) continue;
        book_.release(held.subject);
        read_boxes(box->key);
    }
}

// Somebody has read what we have not: it may be a removal. Nothing is merged or sealed before it is here.
void Round::complete_membership() {
    membership_complete_ = true;
    retry_held();
    std::set<std::string> incomplete;
    for (const auto& [reader, seen] : heads_) {
        for (const EntryReference& named : seen.head.membership) {
            if (!state_.membership().knows(named.hash)) read_entries(named.device);
            if (state_.membership().knows(named.hash)) continue;
            membership_complete_ = false;
            const std::string subject = std::string(kSubject) + named.device.text();
            incomplete.insert(subject);
            hold(subject, {HoldReason::membership_incomplete,
                           fmt::format("device {} has read a membership entry of device {} that is not here",
                                       reader.text(), named.device.text())});
        }
    }
    for (const auto& [path, object] : new_entries_) {
        if (book_.find(path) != nullptr) continue;  // refused for a reason of its own: not an entry yet
        const std::string subject = path.substr(0, path.rfind('/'));
        incomplete.insert(subject);
        membership_complete_ = false;
        hold(subject, {HoldReason::membership_incomplete, fmt::format("{} has read entries that are not here", path)});
    }
    for (const Hold& hold : book_.holds()) {
        if (hold.reason == HoldReason::membership_incomplete && !incomplete.contains(hold.subject) &&
            hold.subject.starts_with(kSubject))
            book_.release(hold.subject);
    }
}

}  // namespace bae::sync
