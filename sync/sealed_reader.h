#pragma once
// From foreign bytes to verified plaintext. What is refused names why, as the hold that it becomes.
#include "crypto/object.h"
#include "sync/change_object.h"
#include "sync/keyring.h"
#include "sync/membership.h"
#include "sync/paths.h"
#include "sync/replica.h"

namespace bae::sync {

struct Refusal {
    HoldReason reason = HoldReason::damaged_object;
    std::string message;
};
template <class T>
using Checked = tl::expected<T, Refusal>;
inline tl::unexpected<Refusal> refuse(HoldReason reason, std::string message) {
    return tl::unexpected<Refusal>(Refusal{reason, std::move(message)});
}
// upgrade_needed -> newer_format, bad_signature -> bad_signature, everything else -> damaged_object.
Refusal refusal_of(const Error& error);

// The object at `address` by `author`: seal, signature and certificate checked. damaged_object, newer_format,
// bad_signature, unknown_device, unknown_key.
Checked<Bytes> open_verified(const Membership& membership, const Keyring& keyring, crypto::ObjectKind kind,
                             std::string_view address, const crypto::DeviceId& author, ByteView object);

// A membership entry; the first of a device may bring its own certificate. Whether its past is here is not looked at.
Checked<MembershipEntry> open_entry(const Membership& membership, const Keyring& keyring, const EntryPath& path,
                                    ByteView object);

// A key box for this device. The key need not be usable yet (is_usable).
Checked<crypto::EpochMaster> open_verified_box(const Membership& membership, const KeyBoxPath& path, ByteView object,
                                               const crypto::BoxOpener& open);

// library.bae: not_found if its key is not here, conflict if it is another library, corrupt or bad_signature otherwise.
Result<Bytes> open_founding(const crypto::LibraryId& library, const Keyring& keyring, ByteView object);

// Where a stream stands before its next object.
struct StreamEnd {
    crypto::DeviceId device;
    uint64_t number = 0;
    crypto::Hash256 hash;
    std::optional<Stamp> last_stamp;
};
// Object cursor.number + 1 of the stream, all checks of a change object but those that need other objects: seal,
// signature, chain, stamps, dates, changes. `now_ms` is the time that dates ahead are measured by.
Checked<ChangeObject> open_change(const Membership& membership, const Keyring& keyring, const StreamEnd& cursor,
                                  ByteView object, int64_t now_ms);

}  // namespace bae::sync
