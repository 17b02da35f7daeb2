#pragma once
// Private to this folder. A library context of our own: the machine's openssl.cnf, which can replace or disable
// algorithms and costs start-up time to read, has no say in what this program computes. Created at first use, never
// freed.
#include <openssl/types.h>

namespace bae::crypto {

OSSL_LIB_CTX* openssl_context();

}  // namespace bae::crypto
