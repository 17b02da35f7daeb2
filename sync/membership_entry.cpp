#include "sync/membership_entry.h"

#include <algorithm>

#include "crypto/hash.h"
#include "sync/paths.h"

namespace bae::sync {

namespace {

constexpr uint64_t kVersion = 1;
constexpr uint32_t kFoundingKind = 1;

// An author names the newest entry of each device, so there are at most as many as devices.
Result<std::vector<crypto::Hash256>> unpack_read(Unpacker& in) {
    const uint32_t count = TRY(in.array(kMaxDevices));
    std::vector<crypto::Hash256> read;
    for (uint32_t i = 0; i < count; i++) {
        const auto hash = TRY(unpack_id<crypto::Hash256>(in));
        if (!read.empty() && !(read.back() < hash)) return fail(ErrorKind::corrupt, "entries read, out of order");
        read.push_back(hash);
    }
    return read;
}

}  // namespace

Bytes encode_founding(const Founding& founding) {
    Bytes plaintext;
    Packer out(plaintext);
    out.array(6);
    out.uint(kVersion);
    out.bin(founding.random.view());
    out.bin(founding.identity.view());
    out.bin(founding.next.view());
    out.bin(founding.certificate);
    out.bin(founding.key.view());
    return plaintext;
}

Result<Founding> decode_founding(ByteView plaintext) {
    Unpacker in(plaintext);
    TRY(in.array_exact(6));
    if (TRY(in.uint()) != kVersion) return fail(ErrorKind::upgrade_needed, "a library of a newer format");
    Founding founding;
    TRY(in.bin_exact(founding.random.bytes));
    TRY(in.bin_exact(founding.identity.bytes));
    TRY(in.bin_exact(founding.next.bytes));
    founding.certificate = to_bytes(TRY(in.bin(crypto::kMaxCertificateBytes)));
    TRY(in.bin_exact(founding.key.bytes));
    TRY(in.finish());
    const crypto::Certificate certificate = TRY(crypto::Certificate::parse(founding.certificate));
    if (certificate.body().identity != founding.identity || !certificate.body().keeper ||
        certificate.body().next != founding.next) {
        return fail(ErrorKind::corrupt, "a founding entry whose certificate is somebody else's");
    }
    return founding;
}

crypto::LibraryId library_id_of(ByteView founding_plaintext) {
    return crypto::LibraryId{{crypto::sha256(founding_plaintext).bytes}};
}

Bytes encode_entry(const MembershipEntry& entry) {
    Bytes plaintext;
    Packer out(plaintext);
    out.array(6);
    out.uint(kVersion);
    out.uint(static_cast<uint32_t>(entry.kind));
    out.uint(entry.number);
    out.bin(entry.previous.view());
    out.array(static_cast<uint32_t>(entry.read.size()));
    for (const crypto::Hash256& hash : entry.read) out.bin(hash.view());
    out.bin(entry.content);
    return plaintext;
}

Result<MembershipEntry> decode_entry(ByteView plaintext) {
    Unpacker in(plaintext);
    TRY(in.array_exact(6));
    if (TRY(in.uint()) != kVersion) return fail(ErrorKind::upgrade_needed, "a membership entry of a newer version");
    MembershipEntry entry;
    const uint64_t kind = TRY(in.uint(UINT16_MAX));
    if (kind <= kFoundingKind) return fail(ErrorKind::corrupt, "a founding entry inside a chain");
    entry.kind = static_cast<EntryKind>(kind);
    entry.number = TRY(in.uint(kMaxObjectNumber));
    if (entry.number == 0) return fail(ErrorKind::corrupt, "a membership entry of number 0");
    TRY(in.bin_exact(entry.previous.bytes));
    entry.read = TRY(unpack_read(in));
    if (!std::binary_search(entry.read.begin(), entry.read.end(), entry.previous)) {
        return fail(ErrorKind::corrupt, "a membership entry that has not read the one before it");
    }
    entry.content = to_bytes(TRY(in.bin(kMaxEntryContentBytes)));
    TRY(in.finish());
    return entry;
}

Bytes encode_key_content(const KeyContent& content) {
    Bytes bytes;
    Packer out(bytes);
    out.array(2);
    out.bin(content.key.view());
    out.bin(content.earlier);
    return bytes;
}

Result<KeyContent> decode_key_content(ByteView bytes) {
    Unpacker in(bytes);
    TRY(in.array_exact(2));
    KeyContent content;
    TRY(in.bin_exact(content.key.bytes));
    content.earlier = to_bytes(TRY(in.bin(kMaxEntryContentBytes)));
    TRY(in.finish());
    return content;
}

}  // namespace bae::sync
