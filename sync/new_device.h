#pragma once
// A copied installation goes on as a new device: what that means for the rows of this home. Private to this folder.
//
// The old stream becomes one of the others and is read from its beginning, out of the mirror and beyond it from the
// carrier. What the copy sealed after `common`, the last object both have, was never seen by anybody under the old
// name: it goes back to the outbox and is sent in the new stream, stamps as they are.
#include "sync/replica_state.h"

namespace bae::sync {

// Certifies `keys`, writes the first entry of the new device's chain, and changes rows and mirror. `keys` absent: the
// options' own (they were stored before a crash). The identity must be at hand.
Result<void> continue_as_new_device(ReplicaState& state, std::optional<crypto::DeviceKeys> keys, uint64_t common);

// What is common as far as this home can tell: all that was confirmed sent.
Result<uint64_t> last_confirmed_number(ReplicaState& state);

}  // namespace bae::sync
