// decode_hello: refuses, or the hello serialises to the same bytes.
#include "dht/hello.h"

using namespace bae;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const ByteView input = std::as_bytes(std::span(data, size));
    const auto hello = dht::decode_hello(input);
    if (hello) CHECK(equal(dht::encode_hello(*hello), input));
    return 0;
}
