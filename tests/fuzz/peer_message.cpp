// decode_message: refuses, or the message serialises to the same bytes. Of one that this version does not know only
// type and id are read.
#include "dht/messages.h"

using namespace bae;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const ByteView input = std::as_bytes(std::span(data, size));
    const auto message = dht::decode_message(input);
    if (!message || std::holds_alternative<dht::Unknown>(message->body)) return 0;
    const auto again = dht::encode_message(message->id, message->body);
    CHECK(again && equal(*again, input));
    return 0;
}
