// A certificate is refused, or it is the bytes it was parsed from and says the same when put together again.
#include "crypto/certificate.h"

#include <algorithm>
#include <cstdlib>

using namespace bae;
using namespace bae::crypto;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const ByteView input = std::as_bytes(std::span(data, size));
    const auto parsed = Certificate::parse(input);
    if (!parsed) return 0;
    // The two signatures are the last two items: bin 8, 64 bytes each.
    Signature by_identity;
    Signature by_device;
    std::ranges::copy(input.last(66 + 64).first(64), by_identity.bytes.begin());
    std::ranges::copy(input.last(64), by_device.bytes.begin());
    const auto again = Certificate::assemble(parsed->body(), by_identity, by_device);
    if (!again || !equal(again->bytes(), input)) std::abort();
    return 0;
}
