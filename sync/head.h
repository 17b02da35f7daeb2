#pragma once
// A head: a device's signed statement of how far its stream goes and what it has applied of the others. The one object
// that is overwritten; the counter orders the versions.
//
//   head := MessagePack [version 1, counter, stream number, stream hash: bin 32 (zero at number 0),
//           applied: [[device: bin 8, number, hash: bin 32]...] (other streams), membership: [[device: bin 8, entry
//           hash: bin 32]...], current key id: bin 32, digest: bin 16 or nil (with an empty outbox only), newest
//           snapshot: [number, hash: bin 32] or nil, schema version, program version: text, date: milliseconds since
//           1970]
#include <optional>
#include <string>

#include "sync/database.h"
#include "sync/references.h"

namespace bae::sync {

constexpr size_t kMaxHeadBytes = 1 << 20;  // sealed
constexpr size_t kMaxProgramVersionBytes = 64;

struct SnapshotReference {
    uint64_t number = 0;
    crypto::Hash256 hash;
    bool operator==(const SnapshotReference&) const = default;
};

struct Head {
    uint64_t counter = 0;
    uint64_t number = 0;
    crypto::Hash256 hash;
    std::vector<StreamReference> applied;
    std::vector<EntryReference> membership;
    crypto::KeyId key;
    std::optional<Digest> digest;
    std::optional<SnapshotReference> snapshot;
    uint32_t schema_version = 0;
    std::string program_version;
    int64_t date_ms = 0;
    bool operator==(const Head&) const = default;
};

Bytes encode_head(const Head& head);
Result<Head> decode_head(ByteView plaintext);  // corrupt, or upgrade_needed for a newer version

}  // namespace bae::sync
