#include "sync/replay.h"

#include <fmt/format.h>

namespace bae::sync {

Result<ChangeObject> read_mirror_change(const ReplicaState& state, const crypto::DeviceId& device, uint64_t number) {
    const std::string path = change_path(device, number);
    const Bytes object = TRY_CONTEXT(state.mirror().get(path, crypto::kMaxObjectBytes), "this device's own store");
    const auto plaintext =
        open_verified(state.membership(), state.keyring(), crypto::ObjectKind::change, path, device, object);
    if (!plaintext)
        return fail(ErrorKind::corrupt, fmt::format("this device's own store: {}", plaintext.error().message));
    return decode_change_object(*plaintext);
}

Result<void> replay_stream(const ReplicaState& state, const crypto::DeviceId& device, uint64_t last,
                           const std::function<Result<void>(std::span<const IncomingObject>)>& apply) {
    const crypto::Certificate* author = state.membership().certificate_of(device);
    for (uint64_t number = 1; number <= last; number++) {
        const ChangeObject change = TRY(read_mirror_change(state, device, number));
        const auto object = TRY(state.mirror().get(change_path(device, number), crypto::kMaxObjectBytes));
        const IncomingObject incoming{device, number, crypto::object_hash(object), change.transactions,
                                      author ? author->body().continued : std::nullopt};
        TRY(apply(std::span(&incoming, 1)));
    }
    return {};
}

}  // namespace bae::sync
