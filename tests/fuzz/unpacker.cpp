// MessagePack is refused, or every value of it serialises to the same bytes again.
#include <cstdlib>

#include "crypto/base/pack.h"

using namespace bae;

// Reads one value and writes it; false if it is refused.
static bool copy_value(Unpacker& in, Packer& out, int depth) {
    const auto copy = [](auto result, const auto& write) {
        if (result) write(*result);
        return result.has_value();
    };
    switch (in.peek()) {
        case Unpacker::Type::nil:
            out.nil();
            return in.nil().has_value();
        case Unpacker::Type::boolean:
            return copy(in.boolean(), [&](bool value) { out.boolean(value); });
        case Unpacker::Type::uint:
            return copy(in.uint(), [&](uint64_t value) { out.uint(value); });
        case Unpacker::Type::sint:
            return copy(in.sint(), [&](int64_t value) { out.sint(value); });
        case Unpacker::Type::real:
            return copy(in.real(), [&](double value) { out.real(value); });
        case Unpacker::Type::text:
            return copy(in.text(1000), [&](std::string_view value) { out.text(value); });
        case Unpacker::Type::bin:
            return copy(in.bin(1000), [&](ByteView value) { out.bin(value); });
        case Unpacker::Type::array:
            break;
        case Unpacker::Type::end:
            return false;
    }
    const auto count = in.array(1000);
    if (!count || depth == 0) return false;
    out.array(*count);
    for (uint32_t i = 0; i < *count; i++)
        if (!copy_value(in, out, depth - 1)) return false;
    return true;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const ByteView input = std::as_bytes(std::span(data, size));
    Unpacker skipping(input);
    const bool skipped = skipping.skip().has_value();
    if (skipping.position() > input.size()) std::abort();
    Bytes written;
    Packer out(written);
    Unpacker in(input);
    if (!copy_value(in, out, 16)) return 0;
    if (!skipped || skipping.position() != in.position()) std::abort();
    if (!equal(written, input.first(in.position()))) std::abort();
    return 0;
}
