// A secret file is refused, or its secrets are written as the same bytes again.
#include "crypto/secret_file.h"

#include <cstdlib>

using namespace bae;
using namespace bae::crypto;

static void check(ByteView file) {
    const auto parts = parse_secret_file(file);
    if (!parts) return;
    if (parts->cost) {  // without Argon2id, which would be all that is ever measured
        static const SecretKey key;
        (void)open_sealed_payload(*parts, key);
        return;
    }
    const auto secrets = decode_secrets(parts->payload);
    if (!secrets) return;
    const auto again = plain_secret_file(*secrets);
    if (!again || !equal(again->view(), file)) std::abort();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const ByteView input = std::as_bytes(std::span(data, size));
    check(input);
    Bytes plain = to_bytes(as_bytes(std::string_view("BAESEC\1\0", 8)));  // straight to the secrets
    append(plain, input);
    check(plain);
    return 0;
}
