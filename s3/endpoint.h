#pragma once
// Private to this folder. The part of an address that says which server: "https://host[:port]".
#include <optional>
#include <string>
#include <string_view>

#include "crypto/base/result.h"

namespace bae::s3 {

struct Authority {
    std::string host;  // name in lower case, "192.0.2.1" or "[2001:db8::1]" in its canonical form
    int port = 0;      // 0: none named
    bool is_name = true;
    bool operator==(const Authority&) const = default;
};

std::optional<Authority> parse_authority(std::string_view text);
// 127.0.0.0/8, ::1, localhost and *.localhost (RFC 6761): bytes to it leave no machine.
bool is_loopback(const Authority& authority);
// Canonical: "https://host[:port]". invalid_input says what is wrong; plain http is for loopback only.
Result<std::string> canonical_endpoint(std::string_view text);
Authority authority_of(std::string_view canonical_endpoint);

}  // namespace bae::s3
