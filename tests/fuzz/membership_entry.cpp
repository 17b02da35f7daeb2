// decode_entry and the content of key entries: refused, or they serialise to the same bytes.
#include "sync/membership_entry.h"

using namespace bae;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const ByteView input = std::as_bytes(std::span(data, size));
    const auto entry = sync::decode_entry(input);
    if (entry) CHECK(equal(sync::encode_entry(*entry), input));
    const auto content = sync::decode_key_content(input);
    if (content) CHECK(equal(sync::encode_key_content(*content), input));
    return 0;
}
