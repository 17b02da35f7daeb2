#pragma once
// Asking the person, on the terminal, whatever standard input is.
#include <string_view>

#include "crypto/secret.h"
#include "node/config.h"
#include "node/output/output.h"

namespace bae::node {

// One line, not echoed. denied: there is no terminal; cancelled: interrupted.
Result<crypto::SecretBytes> ask_secret(std::string_view question);
// For a new secret: asks twice until both are the same.
Result<crypto::SecretBytes> ask_new_secret(std::string_view question);
// One line that is no secret.
Result<crypto::SecretBytes> ask_line(std::string_view question);
Result<bool> ask_yes(std::string_view question);

// An argument that is a secret: "-" standard input, "@FILE" a file, of both the last line that is not empty, so that
// what a command printed can be given whole; absent: ask. Given as it is, it works, with a warning.
Result<crypto::SecretBytes> secret_argument(const std::optional<std::string>& argument, std::string_view what,
                                            Output& out);

}  // namespace bae::node
