#pragma once
// Row ids: lower-case UUIDs (RFC 4122). v4 for things, v5 for rows that are a relation or a natural key, so that two
// devices that add the same thing add the same row.
#include <initializer_list>
#include <string>
#include <string_view>

#include "crypto/secret.h"

namespace bae::sync {

std::string uuid_v4(crypto::Random& random);
// v5 (SHA-1) in bae's own namespace 3f7ab4c2-5f2b-5c6e-9a51-2b1fd5a8f0e4, of the parts joined by 0x1f:
// uuid_v5({"track_tags", track_id, tag_id}).
std::string uuid_v5(std::initializer_list<std::string_view> parts);

}  // namespace bae::sync
