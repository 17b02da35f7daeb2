#pragma once
// Where secrets rest. Names are 1 to 64 of a-z, 0-9, '-' and '.' ("identity", "device", "bucket-credentials").
// One thread at a time; several stores and processes may share a file.
// File format: one file, mode 0600, replaced atomically and fsynced.
//   "BAESEC" version(1) mode(1: 0 plain, 1 passphrase) | mode 1: salt(16) opslimit(8) memlimit(8) nonce(24) |
//   MessagePack [[name, bin], ...] sorted by name, in mode 1 sealed with XChaCha20-Poly1305 under
//   Argon2id(passphrase, salt), associated data = all bytes before the nonce. opslimit and memlimit are big-endian and
//   bounded when read.
// Limits: the file 1 MiB, 256 secrets, 64 KiB each. Every change holds a lock on the file beside it, PATH.lock (which
// stays, empty), so two processes do not lose each other's secrets.
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
    virtual Result<void> remove(std::string_view name) = 0;  // absent is fine
};

struct SecretFileOptions {
    std::filesystem::path path;
    std::optional<SecretBytes> passphrase;  // given: sealed under it; absent: plain, mode 0600
};
// Opens or (at the first put) creates. denied: wrong or missing passphrase, or the file is readable by others;
// invalid_input: a passphrase for a file that has none. A passphrase is checked here already (Argon2id, 0.1 s, 64 MiB).
Result<std::unique_ptr<SecretStore>> open_secret_file(SecretFileOptions options);
// True if the file exists and needs a passphrase.
Result<bool> secret_file_needs_passphrase(const std::filesystem::path& path);

// systemd credentials: every file of $CREDENTIALS_DIRECTORY named "bae.NAME"; read-only (put and remove: unsupported).
Result<std::unique_ptr<SecretStore>> open_systemd_credentials(const std::filesystem::path& directory);

}  // namespace bae::crypto
