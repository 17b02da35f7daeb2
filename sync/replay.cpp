#include "sync/replay.h"

#include <fmt/format.h>

namespace bae::sync {

Result<MirrorChange> read_mirror_change(const ReplicaState& state, const crypto::DeviceId& device, uint64_t number) {
    const std::string path = change_path(device, number);
    const Bytes object = TRY_CONTEXT(state.mirror().get(path, crypto::kMaxObjectBytes), "this device's own store");
    const auto plaintext =
        open_verified(state.membership(), state.keyring(), crypto::ObjectKind::change, path, device, object);
    if (!plaintext)
        return fail(ErrorKind::corrupt, fmt::format("this device's own store: {}", plaintext.error().message));
    return MirrorChange{crypto::object_hash(object), TRY(decode_change_object(*plaintext))};
}

Result<void> replay_stream(const ReplicaState& state, const crypto::DeviceId& device, uint64_t last,
                           const std::function<Result<void>(const IncomingObject&)>& apply) {
    const crypto::Certificate* author = state.membership().certificate_of(device);
    const std::optional<crypto::DeviceId> continues = author ? author->body().continued : std::nullopt;
    for (uint64_t number = 1; number <= last; number++) {
        MirrorChange read = TRY(read_mirror_change(state, device, number));
        TRY(apply({device, number, read.hash, std::move(read.change.transactions), continues, read.change.previous}));
    }
    return {};
}

}  // namespace bae::sync
