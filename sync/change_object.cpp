#include "sync/change_object.h"

#include "sync/changes.h"
#include "sync/compression.h"

namespace bae::sync {

namespace {

constexpr uint64_t kVersion = 1;
enum Compression : uint64_t { stored = 0, zstd = 1 };

// At most kMaxMessageBytes, not ending inside a character.
std::string_view shortened(std::string_view message) {
    if (message.size() <= kMaxMessageBytes) return message;
    size_t end = kMaxMessageBytes;
    while (end > 0 && (static_cast<unsigned char>(message[end]) & 0xc0) == 0x80) end--;
    return message.substr(0, end);
}

Result<Stamp> unpack_stamp(Unpacker& in) { return Stamp::parse(TRY(in.text(kStampLength))); }

Result<std::vector<SeenStamp>> unpack_seen(Unpacker& in) {
    const uint32_t count = TRY(in.array(kMaxDevices));
    std::vector<SeenStamp> list;
    for (uint32_t i = 0; i < count; i++) {
        TRY(in.array_exact(2));
        SeenStamp seen;
        TRY(in.bin_exact(seen.device.bytes));
        seen.stamp = TRY(unpack_stamp(in));
        if (seen.stamp.device != seen.device) return fail(ErrorKind::corrupt, "a seen stamp of another device");
        if (!list.empty() && !(list.back().device < seen.device))
            return fail(ErrorKind::corrupt, "seen stamps out of order");
        list.push_back(seen);
    }
    return list;
}

void pack_transaction(Packer& out, const OutboxTransaction& transaction) {
    out.array(4);
    out.text(transaction.stamp.text());
    out.array(static_cast<uint32_t>(transaction.seen.size()));
    for (const SeenStamp& seen : transaction.seen) {
        out.array(2);
        out.bin(seen.device.view());
        out.text(seen.stamp.text());
    }
    out.bin(transaction.changes);
    out.text(shortened(transaction.message));
}

Result<IncomingTransaction> unpack_transaction(Unpacker& in) {
    TRY(in.array_exact(4));
    IncomingTransaction transaction;
    transaction.stamp = TRY(unpack_stamp(in));
    transaction.seen = TRY(unpack_seen(in));
    for (const SeenStamp& seen : transaction.seen)  // whoever has seen a stamp writes later ones
        if (seen.stamp > transaction.stamp) return fail(ErrorKind::corrupt, "a transaction that has seen its future");
    transaction.changes = TRY(in.bin(kMaxChangesBytes));
    transaction.message = TRY(in.text(kMaxMessageBytes));
    return transaction;
}

Result<Bytes> unpack_body(Unpacker& in) {
    const uint64_t compression = TRY(in.uint(zstd));
    const size_t size = TRY(in.uint(kMaxBodyBytes));
    const ByteView body = TRY(in.bin(kMaxBodyBytes));
    if (compression == stored) {
        if (body.size() != size) return fail(ErrorKind::corrupt, "a body of another size than stated");
        return to_bytes(body);
    }
    if (body.size() >= size) return fail(ErrorKind::corrupt, "a body that compression made larger");
    return decompress(body, size);
}

}  // namespace

Bytes pack_transactions(std::span<const OutboxTransaction> transactions) {
    Bytes body;
    Packer out(body);
    out.array(static_cast<uint32_t>(transactions.size()));
    for (const OutboxTransaction& transaction : transactions) pack_transaction(out, transaction);
    return body;
}

Result<std::vector<IncomingTransaction>> unpack_transactions(ByteView body) {
    Unpacker in(body);
    const uint32_t count = TRY(in.array(kMaxTransactionsPerObject));
    if (count == 0) return fail(ErrorKind::corrupt, "an object without transactions");
    std::vector<IncomingTransaction> transactions;
    for (uint32_t i = 0; i < count; i++) {
        transactions.push_back(TRY(unpack_transaction(in)));
        if (i > 0 && !(transactions[i - 1].stamp < transactions[i].stamp))
            return fail(ErrorKind::corrupt, "stamps that do not increase");
    }
    TRY(in.finish());
    return transactions;
}

Result<Bytes> encode_change_object(const ChangeContext& context, std::span<const OutboxTransaction> transactions) {
    const Bytes body = pack_transactions(transactions);
    if (body.size() > kMaxBodyBytes || transactions.empty() || transactions.size() > kMaxTransactionsPerObject) {
        return fail(ErrorKind::invalid_input, "transactions that do not fit into one object");
    }
    const Bytes compressed = compress(body);
    const bool smaller = compressed.size() < body.size();
    Bytes plaintext;
    Packer out(plaintext);
    out.array(7);
    out.uint(kVersion);
    out.bin(context.previous.view());
    pack_references(out, context.membership);
    out.uint(context.schema_version);
    out.uint(smaller ? zstd : stored);
    out.uint(body.size());
    out.bin(smaller ? compressed : body);
    return plaintext;
}

Result<ChangeObject> decode_change_object(ByteView plaintext) {
    Unpacker in(plaintext);
    TRY(in.array_exact(7));
    if (TRY(in.uint()) != kVersion) return fail(ErrorKind::upgrade_needed, "a change object of a newer version");
    ChangeObject object;
    TRY(in.bin_exact(object.previous.bytes));
    object.membership = TRY(unpack_entry_references(in));
    object.schema_version = static_cast<uint32_t>(TRY(in.uint(UINT32_MAX)));
    object.body = TRY(unpack_body(in));
    TRY(in.finish());
    object.transactions = TRY(unpack_transactions(object.body));
    return object;
}

}  // namespace bae::sync
