#pragma once
// Where secrets rest. Names are short ASCII words ("identity", "device", "bucket-credentials").
// File format: one file, mode 0600, replaced atomically and fsynced.
//   "BAESEC" version(1) mode(1: 0 plain, 1 passphrase) | mode 1: salt(16) opslimit(8) memlimit(8) nonce(24) |
//   MessagePack [[name, bin], ...] sorted by name, in mode 1 sealed with XChaCha20-Poly1305 under Argon2id(passphrase, salt),
//   associated data = all bytes before the nonce.
// Every change takes a lock on the file's directory entry, so two processes do not lose each other's secrets.
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>

#include "crypto/secret.h"

namespace bae::crypto {

class SecretStore {
  public:
    virtual ~SecretStore() = default;
    virtual Result<SecretBytes> get(std::string_view name) = 0;  // not_found
    virtual Result<void> put(std::string_view name, ByteView secret) = 0;
    virtual Result<void> remove(std::string_view name) = 0;      // absent is fine
};

struct SecretFileOptions {
    std::filesystem::path path;
    std::optional<SecretBytes> passphrase;  // given: sealed under it; absent: plain, mode 0600
};
// Opens or (at the first put) creates. denied: wrong or missing passphrase, or the file is readable by others.
Result<std::unique_ptr<SecretStore>> open_secret_file(SecretFileOptions options);
// True if the file exists and needs a passphrase.
Result<bool> secret_file_needs_passphrase(const std::filesystem::path& path);

// systemd credentials: every file of $CREDENTIALS_DIRECTORY named "bae.NAME"; read-only (put and remove: unsupported).
Result<std::unique_ptr<SecretStore>> open_systemd_credentials(const std::filesystem::path& directory);

}  // namespace bae::crypto
