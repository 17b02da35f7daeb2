#pragma once
// Private to this folder. A library context of our own: the machine's openssl.cnf, which can replace or disable
// algorithms and costs start-up time to read, has no say in what this program computes. Created at first use, never
// freed.

struct ossl_lib_ctx_st;  // OSSL_LIB_CTX

namespace bae::crypto {

ossl_lib_ctx_st* openssl_context();

}  // namespace bae::crypto
