#pragma once
// A copied installation goes on as a new device: what that means for the rows of this home. Private to this folder.
//
// The old stream becomes one of the others and is read from its beginning, out of the mirror and beyond it from the
// carrier. What the copy sealed after `common`, the last object both have, was never seen by anybody under the old
// name: it goes back to the outbox and is sent in the new stream, stamps as they are.
//
//   announce (id, common) -> on_new_device stores the keys -> continue_as_new_device records
//
// Keys that the recorded certificate does not name are this home's exactly if they were announced; then opening
// finishes what a crash interrupted.
#include "sync/replica_state.h"

namespace bae::sync {

// Before the keys of `device` are stored.
Result<void> announce_new_device(ReplicaState& state, const crypto::DeviceId& device, uint64_t common);
// The announced end of the common history, if this very device was announced.
Result<std::optional<uint64_t>> announced_common(const ReplicaState& state, const crypto::DeviceId& device);

// Certifies `keys`, writes the first entry of the new device's chain, and changes rows and mirror. `keys` absent: the
// options' own (they were stored before a crash). The identity must be at hand. What was to go back to the outbox and
// is damaged in the mirror becomes an alarm.
Result<void> continue_as_new_device(ReplicaState& state, std::optional<crypto::DeviceKeys> keys, uint64_t common);

}  // namespace bae::sync
