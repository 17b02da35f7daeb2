#pragma once
// Applied objects, read again out of the mirror. Private to this folder.
#include "sync/replica_state.h"

namespace bae::sync {

struct MirrorChange {
    crypto::Hash256 hash;
    ChangeObject change;
};
// The object that was applied under this number: corrupt if the mirror holds anything else (a sync fetches it again).
Result<MirrorChange> read_mirror_change(const ReplicaState& state, const crypto::DeviceId& device, uint64_t number);

// Hands objects 1 to `last` to `apply`, in order.
Result<void> replay_stream(const ReplicaState& state, const crypto::DeviceId& device, uint64_t last,
                           const std::function<Result<void>(const IncomingObject&)>& apply);

}  // namespace bae::sync
