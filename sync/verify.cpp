#include <fmt/format.h>

#include "sync/replay.h"
#include "sync/replica_impl.h"

namespace bae::sync {

namespace {

class Verification {
  public:
    Verification(ReplicaState& state, const SyncOptions& options) : state_(state), options_(options) {}

    Result<std::vector<std::string>> run() {
        check_founding();
        TRY(check_small("membership/"));
        TRY(check_small("keys/"));
        TRY(check_small("heads/"));
        TRY(check_stream(state_.self(), state_.row().sealed_number));
        for (const StreamPosition& position : TRY(state_.database().positions())) {
            if (position.device != state_.self()) TRY(check_stream(position.device, position.number));
        }
        if (TRY(state_.database().digest()) != TRY(state_.database().recompute_digest()))
            found_.push_back(
                "the database's digest is not that of its rows: the file was changed from outside, or this is a bug");
        return std::move(found_);
    }

  private:
    void check_founding() {
        const auto object = state_.mirror().get(kFoundingPath, 1 << 20);
        if (!object) return found_.push_back(object.error().message);
        const auto opened = open_founding(state_.row().id, state_.keyring(), *object);
        if (!opened) found_.push_back(opened.error().message);
    }

    Result<void> check_small(std::string_view prefix) {
        for (const s3::ObjectInfo& info : TRY(state_.mirror().list_all(prefix))) {
            const auto object = state_.mirror().get(info.path, kMaxEntryObjectBytes);
            if (!object)
                found_.push_back(object.error().message);
            else if (const auto wrong = refused(info.path, *object))
                found_.push_back(wrong->message);
        }
        return {};
    }

    std::optional<Refusal> refused(const std::string& path, const Bytes& object) {
        if (const auto entry = parse_entry_path(path)) {
            const auto opened = open_entry(state_.membership(), state_.keyring(), *entry, object);
            if (!opened) return opened.error();
        } else if (const auto head = parse_head_path(path)) {
            const auto opened =
                open_verified(state_.membership(), state_.keyring(), crypto::ObjectKind::head, path, *head, object);
            if (!opened) return opened.error();
        } else if (const auto box = parse_key_box_path(path)) {
            const auto tags = state_.recipient_tags();
            if (std::find(tags.begin(), tags.end(), box->recipient) == tags.end()) return std::nullopt;
            const auto opened = open_verified_box(state_.membership(), *box, object, state_.opener(box->recipient));
            if (!opened) return opened.error();
        }
        return std::nullopt;
    }

    Result<void> check_stream(const crypto::DeviceId& device, uint64_t last) {
        StreamEnd end{device, 0, {}, std::nullopt};
        for (; end.number < last;) {
            if (options_.cancelled && options_.cancelled()) return fail(ErrorKind::cancelled, "verify was cancelled");
            if (options_.on_progress) options_.on_progress({"verifying", end.number, last});
            const std::string path = change_path(device, end.number + 1);
            const auto object = state_.mirror().get(path, crypto::kMaxObjectBytes);
            if (!object) return lost(end, last, object.error().message);
            const auto change = open_change(state_.membership(), state_.keyring(), end, *object, kMaxStampMs);
            if (!change) return lost(end, last, change.error().message);
            end = {device, end.number + 1, crypto::object_hash(*object), change->transactions.back().stamp};
        }
        return {};
    }

    // The next round fetches it again; what follows is judged when it is back.
    Result<void> lost(const StreamEnd& end, uint64_t, const std::string& message) {
        found_.push_back(message);
        if (end.device == state_.self()) return {};
        return state_.database().replicate([&](sqlite::Connection& connection) {
            return store_unchecked(connection, {end.device, end.number + 1}, 0);
        });
    }

    ReplicaState& state_;
    const SyncOptions& options_;
    std::vector<std::string> found_;
};

}  // namespace

Result<std::vector<std::string>> ReplicaImpl::verify(const SyncOptions& options) {
    TRY(state_.refresh());
    return Verification(state_, options).run();
}

}  // namespace bae::sync
