// A recovery code is refused, or prints as the same letters in groups of five.
#include "crypto/recovery_code.h"

#include <cctype>
#include <cstdlib>
#include <string>

#include "crypto/hash.h"

using namespace bae;
using namespace bae::crypto;

static std::string letters_of(std::string_view text) {
    std::string out;
    for (const char c : text)
        if (std::isalnum(static_cast<unsigned char>(c)) != 0)
            out += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return out;
}

static void check(std::string_view text) {
    const auto parsed = RecoveryCode::parse(text);
    if (parsed && letters_of(parsed->text()) != letters_of(text)) std::abort();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    check(text);
    // As it stands the check refuses nearly everything, so the input is also taken as the bytes before a right check.
    Bytes bytes = to_bytes(as_bytes(text));
    append(bytes, sha256(bytes).view().first(4));
    check(base32_encode(bytes));
    return 0;
}
