// decode_founding: refuses, or the founding entry serialises to the same bytes.
#include "sync/membership_entry.h"

using namespace bae;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const ByteView input = std::as_bytes(std::span(data, size));
    const auto founding = sync::decode_founding(input);
    if (founding) CHECK(equal(sync::encode_founding(*founding), input));
    return 0;
}
