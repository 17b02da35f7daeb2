#pragma once
// Private to this folder. Words of a server or a person inside our messages: one line of printable ASCII.
#include <string>
#include <string_view>

namespace bae::s3 {

// At most 200 characters; white space becomes a space, what is no printable ASCII \xNN.
std::string shown(std::string_view foreign);

}  // namespace bae::s3
