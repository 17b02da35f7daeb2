// decode_change_object: refuses, or the plaintext is what its parts serialise to. (zstd has many forms of one content,
// so the body is compared uncompressed.)
#include "sync/change_object.h"

using namespace bae;
using namespace bae::sync;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const ByteView input = std::as_bytes(std::span(data, size));
    const auto object = decode_change_object(input);
    if (!object) return 0;
    std::vector<OutboxTransaction> transactions;
    for (const IncomingTransaction& t : object->transactions)
        transactions.push_back({0, t.stamp, t.seen, to_bytes(t.changes), t.message});
    CHECK(equal(pack_transactions(transactions), object->body));
    Bytes start;
    Packer out(start);
    out.array(7);
    out.uint(1);
    out.bin(object->previous.view());
    pack_references(out, object->membership);
    out.uint(object->schema_version);
    CHECK(input.size() > start.size() && equal(input.first(start.size()), start));
    const auto again =
        encode_change_object({object->previous, object->membership, object->schema_version}, transactions);
    CHECK(again.has_value() && decode_change_object(*again)->body == object->body);
    return 0;
}
