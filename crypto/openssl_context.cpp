#include "crypto/openssl_context.h"

#include <openssl/crypto.h>

#include "crypto/base/result.h"

namespace bae::crypto {

ossl_lib_ctx_st* openssl_context() {
    static OSSL_LIB_CTX* const context = [] {
        OSSL_LIB_CTX* made = OSSL_LIB_CTX_new();
        CHECK(made != nullptr);
        return made;
    }();
    return context;
}

}  // namespace bae::crypto
