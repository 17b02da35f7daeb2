#include "sync/references.h"

#include "sync/paths.h"

namespace bae::sync {

namespace {

template <class T>
Result<void> add_ascending(std::vector<T>& list, const T& next) {
    if (!list.empty() && !(list.back().device < next.device))
        return fail(ErrorKind::corrupt, "a list of devices out of order");
    list.push_back(next);
    return {};
}

}  // namespace

void pack_references(Packer& out, const std::vector<EntryReference>& entries) {
    out.array(static_cast<uint32_t>(entries.size()));
    for (const EntryReference& entry : entries) {
        out.array(2);
        out.bin(entry.device.view());
        out.bin(entry.hash.view());
    }
}

void pack_references(Packer& out, const std::vector<StreamReference>& streams) {
    out.array(static_cast<uint32_t>(streams.size()));
    for (const StreamReference& stream : streams) {
        out.array(3);
        out.bin(stream.device.view());
        out.uint(stream.number);
        out.bin(stream.hash.view());
    }
}

Result<std::vector<EntryReference>> unpack_entry_references(Unpacker& in) {
    const uint32_t count = TRY(in.array(kMaxDevices));
    std::vector<EntryReference> entries;
    for (uint32_t i = 0; i < count; i++) {
        TRY(in.array_exact(2));
        EntryReference entry;
        TRY(in.bin_exact(entry.device.bytes));
        TRY(in.bin_exact(entry.hash.bytes));
        TRY(add_ascending(entries, entry));
    }
    return entries;
}

Result<std::vector<StreamReference>> unpack_stream_references(Unpacker& in) {
    const uint32_t count = TRY(in.array(kMaxDevices));
    std::vector<StreamReference> streams;
    for (uint32_t i = 0; i < count; i++) {
        TRY(in.array_exact(3));
        StreamReference stream;
        TRY(in.bin_exact(stream.device.bytes));
        stream.number = TRY(in.uint(kMaxObjectNumber));
        TRY(in.bin_exact(stream.hash.bytes));
        if (stream.number == 0) return fail(ErrorKind::corrupt, "a stream position of 0");
        TRY(add_ascending(streams, stream));
    }
    return streams;
}

}  // namespace bae::sync
