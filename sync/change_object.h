#pragma once
// What is inside the seal of a change object: one or more transactions of one device.
//
//   plaintext    := MessagePack [version 1, hash of the previous object: bin 32 (zero for number 1),
//                   membership read: [[device: bin 8, entry hash: bin 32]...], schema version, compression 0|1,
//                   size of the body uncompressed, body: bin]
//   body         := MessagePack [transaction...], stored (0) or as one zstd frame (1, only if that is smaller)
//   transaction  := [stamp: text, seen: [[device: bin 8, stamp: text]...], changes: bin (changes.h), message: text]
// Devices in `seen` ascend, each with a stamp of its own that is not later than the transaction's.
//
// Stamps strictly increase; lists of devices are sorted, each device once. What stamps may belong to the stream, and
// whether the changes themselves are well-formed, is for the reader of the stream to check.
#include <span>

#include "sync/database.h"
#include "sync/references.h"

namespace bae::sync {

constexpr size_t kMaxBodyBytes = 62 << 20;  // uncompressed; one transaction of kMaxChangesBytes fits
constexpr size_t kMaxMessageBytes = 4096;
constexpr uint32_t kMaxTransactionsPerObject = 1 << 17;
constexpr size_t kObjectTargetBytes = 1 << 20;  // of outbox transactions that share an object

struct ChangeObject {  // moved, never copied: a copy's transactions would point into the original
    ChangeObject() = default;
    ChangeObject(ChangeObject&&) = default;
    ChangeObject& operator=(ChangeObject&&) = default;

    crypto::Hash256 previous;
    std::vector<EntryReference> membership;
    uint32_t schema_version = 0;
    Bytes body;  // uncompressed; the transactions point into it
    std::vector<IncomingTransaction> transactions;
};

struct ChangeContext {
    crypto::Hash256 previous;
    std::vector<EntryReference> membership;
    uint32_t schema_version = 0;
};
// Longer messages are cut at a character. invalid_input if the transactions do not fit into one object.
Result<Bytes> encode_change_object(const ChangeContext& context, std::span<const OutboxTransaction> transactions);
// corrupt, or upgrade_needed for a newer version.
Result<ChangeObject> decode_change_object(ByteView plaintext);

// The parts, for tools and tests.
Bytes pack_transactions(std::span<const OutboxTransaction> transactions);
Result<std::vector<IncomingTransaction>> unpack_transactions(ByteView body);  // views into `body`

}  // namespace bae::sync
