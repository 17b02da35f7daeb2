#pragma once
// How objects name other objects, and their MessagePack forms. Lists are sorted by device, each device at most once.
#include <vector>

#include "crypto/base/pack.h"
#include "crypto/ids.h"

namespace bae::sync {

constexpr uint32_t kMaxDevices = 4096;  // of one library, ever

struct EntryReference {  // the newest membership entry read of an author; the founding entry counts for the founder's
                         // device
    crypto::DeviceId device;
    crypto::Hash256 hash;
    auto operator<=>(const EntryReference&) const = default;
};
struct StreamReference {  // a stream up to and with an object
    crypto::DeviceId device;
    uint64_t number = 0;
    crypto::Hash256 hash;
    auto operator<=>(const StreamReference&) const = default;
};

void pack_references(Packer& out, const std::vector<EntryReference>& entries);  // [[device: bin 8, hash: bin 32]...]
void pack_references(Packer& out,
                     const std::vector<StreamReference>& streams);  // [[device: bin 8, number, hash: bin 32]...]
Result<std::vector<EntryReference>> unpack_entry_references(Unpacker& in);    // corrupt
Result<std::vector<StreamReference>> unpack_stream_references(Unpacker& in);  // corrupt; numbers are from 1

template <class T>
Result<T> unpack_id(Unpacker& in) {
    T id;
    TRY(in.bin_exact(id.bytes));
    return id;
}

}  // namespace bae::sync
