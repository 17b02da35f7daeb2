#pragma once
// Recovery code = RFC 4648 base32 (upper case, no padding, hyphens ignored) of
//   version 1 (1) | type (1: 1 root, 2 identity seed) | secret (32) | library id (32) | carrier URL | check (4)
// check = first 4 bytes of SHA-256 of all before. Groups of 5 characters are joined by hyphens when printed.
#include <string>

#include "crypto/ids.h"
#include "crypto/secret.h"

namespace bae::crypto {

constexpr size_t kMaxCarrierUrlBytes = 2048;

struct RecoveryCode {
    enum class Type : uint8_t { root = 1, identity_seed = 2 };
    Type type = Type::root;
    SecretKey secret;
    LibraryId library;
    std::string carrier_url;  // without credentials; may be empty

    std::string text() const;  // the caller prints it once and wipes it
    // invalid_input says what is wrong: a typing mistake (check), cut short, a newer version, not a code.
    static Result<RecoveryCode> parse(std::string_view text);
};

}  // namespace bae::crypto
