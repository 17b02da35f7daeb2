// decode_head: refuses, or the head serialises to the same bytes.
#include "sync/head.h"

using namespace bae;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const ByteView input = std::as_bytes(std::span(data, size));
    const auto head = sync::decode_head(input);
    if (head) CHECK(equal(sync::encode_head(*head), input));
    return 0;
}
