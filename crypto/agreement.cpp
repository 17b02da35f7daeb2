#include "crypto/agreement.h"

#include <sodium.h>

#include "crypto/sodium_pointer.h"

namespace bae::crypto {

EphemeralKey EphemeralKey::generate(Random& random) {
    EphemeralKey out;
    random.fill(out.secret_.span());
    crypto_scalarmult_base(unsigned_bytes(out.public_key_), unsigned_bytes(out.secret_.view()));
    return out;
}

Result<SecretKey> EphemeralKey::agree(const EphemeralPublicKey& other) const {
    SecretKey shared;
    if (crypto_scalarmult(unsigned_bytes(shared.span()), unsigned_bytes(secret_.view()), unsigned_bytes(other)) != 0)
        return fail(ErrorKind::corrupt, "a key of a session is a low-order point");
    return shared;
}

}  // namespace bae::crypto
