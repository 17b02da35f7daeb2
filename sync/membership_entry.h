#pragma once
// What membership objects say. Two forms:
//
//   founding := MessagePack [version 1, random: bin 32, identity: bin 32, next: bin 32, certificate: bin, first key id:
//   bin 32]
//               in library.bae; SHA-256 of this plaintext is the library id
//   entry    := MessagePack [version 1, kind, number (from 1), previous: bin 32, read: [bin 32...], content: bin]
//               previous = hash of the device's own entry before, the library id for number 1
//               read = hashes of the newest entries its author had read, ascending, always with `previous`
//   kinds    := 2 device: content is a complete certificate
//               3 key: content is MessagePack [key id: bin 32, earlier masters: bin (keyring.h)]
// The hash of an entry is SHA-256 of its object's bytes; of the founding entry, of its plaintext.
#include <vector>

#include "crypto/certificate.h"
#include "sync/references.h"

namespace bae::sync {

constexpr size_t kMaxEntryContentBytes = 1 << 20;
constexpr size_t kMaxEntryObjectBytes = 2 << 20;  // sealed

struct Founding {
    FixedBytes<32> random;
    crypto::IdentityPublicKey identity;
    crypto::Hash256 next;
    Bytes certificate;  // of the founder's first device, a keeper
    crypto::KeyId key;
    bool operator==(const Founding&) const = default;
};
Bytes encode_founding(const Founding& founding);
Result<Founding> decode_founding(ByteView plaintext);  // corrupt, bad_signature, upgrade_needed; checks the certificate
crypto::LibraryId library_id_of(ByteView founding_plaintext);

enum class EntryKind : uint32_t { device = 2, key = 3 };  // 1 is the founding entry; others are newer
constexpr bool is_known(EntryKind kind) { return kind == EntryKind::device || kind == EntryKind::key; }

struct MembershipEntry {
    EntryKind kind = EntryKind::device;  // may be one this program does not know
    uint64_t number = 0;
    crypto::Hash256 previous;
    std::vector<crypto::Hash256> read;
    Bytes content;
    bool operator==(const MembershipEntry&) const = default;
};
Bytes encode_entry(const MembershipEntry& entry);
Result<MembershipEntry> decode_entry(ByteView plaintext);  // corrupt, upgrade_needed; the content is not looked into

struct KeyContent {
    crypto::KeyId key;
    Bytes earlier;  // sealed, see keyring.h
    bool operator==(const KeyContent&) const = default;
};
Bytes encode_key_content(const KeyContent& content);
Result<KeyContent> decode_key_content(ByteView content);

}  // namespace bae::sync
