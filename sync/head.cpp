#include "sync/head.h"

#include "sync/paths.h"

namespace bae::sync {

namespace {

constexpr uint64_t kVersion = 1;

void pack_snapshot(Packer& out, const std::optional<SnapshotReference>& snapshot) {
    if (!snapshot) return out.nil();
    out.array(2);
    out.uint(snapshot->number);
    out.bin(snapshot->hash.view());
}

Result<std::optional<SnapshotReference>> unpack_snapshot(Unpacker& in) {
    if (in.peek() == Unpacker::Type::nil) {
        TRY(in.nil());
        return std::optional<SnapshotReference>();
    }
    TRY(in.array_exact(2));
    SnapshotReference snapshot;
    snapshot.number = TRY(in.uint(kMaxObjectNumber));
    TRY(in.bin_exact(snapshot.hash.bytes));
    if (snapshot.number == 0) return fail(ErrorKind::corrupt, "a snapshot of number 0");
    return std::optional(snapshot);
}

Result<std::optional<Digest>> unpack_digest(Unpacker& in) {
    if (in.peek() == Unpacker::Type::nil) {
        TRY(in.nil());
        return std::optional<Digest>();
    }
    return std::optional(TRY(unpack_id<Digest>(in)));
}

}  // namespace

Bytes encode_head(const Head& head) {
    Bytes plaintext;
    Packer out(plaintext);
    out.array(12);
    out.uint(kVersion);
    out.uint(head.counter);
    out.uint(head.number);
    out.bin(head.hash.view());
    pack_references(out, head.applied);
    pack_references(out, head.membership);
    out.bin(head.key.view());
    if (head.digest)
        out.bin(head.digest->view());
    else
        out.nil();
    pack_snapshot(out, head.snapshot);
    out.uint(head.schema_version);
    out.text(std::string_view(head.program_version).substr(0, kMaxProgramVersionBytes));
    out.uint(static_cast<uint64_t>(head.date_ms));
    return plaintext;
}

Result<Head> decode_head(ByteView plaintext) {
    Unpacker in(plaintext);
    TRY(in.array_exact(12));
    if (TRY(in.uint()) != kVersion) return fail(ErrorKind::upgrade_needed, "a head of a newer version");
    Head head;
    head.counter = TRY(in.uint(INT64_MAX));
    head.number = TRY(in.uint(kMaxObjectNumber));
    TRY(in.bin_exact(head.hash.bytes));
    if (head.number == 0 && head.hash != crypto::Hash256{}) return fail(ErrorKind::corrupt, "a hash of no object");
    head.applied = TRY(unpack_stream_references(in));
    head.membership = TRY(unpack_entry_references(in));
    TRY(in.bin_exact(head.key.bytes));
    head.digest = TRY(unpack_digest(in));
    head.snapshot = TRY(unpack_snapshot(in));
    head.schema_version = static_cast<uint32_t>(TRY(in.uint(UINT32_MAX)));
    head.program_version = TRY(in.text(kMaxProgramVersionBytes));
    head.date_ms = static_cast<int64_t>(TRY(in.uint(kMaxStampMs)));
    TRY(in.finish());
    return head;
}

}  // namespace bae::sync
