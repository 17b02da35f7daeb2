#pragma once
// Private to this folder: the bytes of a secret file (format in secret_store.h), apart from files and locks.
// Limits: 1 MiB the file, 256 secrets, 64 characters a name, 64 KiB a secret.
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "crypto/secret.h"

namespace bae::crypto {

constexpr size_t kMaxSecretFileBytes = 1 << 20;

using SecretMap = std::map<std::string, SecretBytes, std::less<>>;

bool is_secret_name(std::string_view name);  // 1 to 64 of a-z, 0-9, '-' and '.', the first a letter or digit

SecretBytes encode_secrets(const SecretMap& secrets);
Result<SecretMap> decode_secrets(ByteView packed);  // corrupt for anything encode_secrets does not write

// The part of a sealed file that says how its key comes from the passphrase.
struct PassphraseCost {
    std::array<std::byte, 16> salt{};
    uint64_t opslimit = 0;
    uint64_t memlimit = 0;
    bool operator==(const PassphraseCost&) const = default;
};
PassphraseCost fresh_passphrase_cost(Random& random);                               // Argon2id, interactive
Result<SecretKey> passphrase_key(ByteView passphrase, const PassphraseCost& cost);  // retry if memory is short

struct SecretFileParts {
    std::optional<PassphraseCost> cost;  // of a sealed file
    ByteView nonce;                      // of a sealed file
    ByteView associated;                 // of a sealed file
    ByteView payload;
};
// corrupt: not such a file, or a cost outside what this program writes or can bear; upgrade_needed: newer.
Result<SecretFileParts> parse_secret_file(ByteView file);

// invalid_input if the secrets are over the limits.
Result<SecretBytes> plain_secret_file(const SecretMap& secrets);
Result<SecretBytes> sealed_secret_file(const SecretMap& secrets, const PassphraseCost& cost, const SecretKey& key,
                                       Random& random);
Result<SecretMap> open_sealed_payload(const SecretFileParts& parts, const SecretKey& key);  // denied: not this key

}  // namespace bae::crypto
