#pragma once
// The secrets of a home: the secret file in it, over it what systemd hands to a service. The names used are below.
//
//   identity   the person's seed, on keepers only
//   next       SHA-256 of the key that may replace the identity (not secret, but it belongs to it)
//   device     the two secret keys of this installation
//   continues  the id of the device that those keys took over from, if they did (not secret)
//   bucket.*   the credentials of an S3 bucket, see credentials.h
#include <memory>
#include <optional>

#include "crypto/keys.h"
#include "crypto/secret_store.h"
#include "node/config.h"
#include "node/home.h"
#include "s3/s3_place.h"
#include "s3/sigv4.h"

namespace bae::node {

// Called when the file needs a passphrase; denied if none can be had.
using AskPassphrase = std::function<Result<crypto::SecretBytes>()>;

class Secrets {
  public:
    // denied: wrong passphrase, or none. `new_passphrase` seals a file that does not exist yet.
    static Result<Secrets> open(const HomePaths& home, Environment environment, const AskPassphrase& ask,
                                std::optional<crypto::SecretBytes> new_passphrase = std::nullopt);

    Result<crypto::DeviceKeys> device();                 // not_found
    Result<std::optional<crypto::Identity>> identity();  // absent on a device that is no keeper
    Result<std::optional<crypto::Hash256>> next();
    Result<std::optional<crypto::DeviceId>> continues();
    Result<void> put_device(const crypto::DeviceKeys& keys);
    // The keys that this home goes on with in place of device `old`; whatever happens between the two writes, who finds
    // the new keys finds out that they belong here.
    Result<void> replace_device(const crypto::DeviceId& old, const crypto::DeviceKeys& keys);
    Result<void> put_identity(const crypto::Identity& identity, const std::optional<crypto::Hash256>& next);

    Result<std::optional<s3::S3Credentials>> bucket(const s3::S3Place& place);
    // In place of those it had, in one step. conflict: systemd hands over others, which would win.
    Result<void> put_bucket(const s3::S3Place& place, const s3::S3Credentials& credentials);

  private:
    Secrets() = default;
    Result<std::optional<crypto::SecretBytes>> find(std::string_view name);
    std::unique_ptr<crypto::SecretStore> file_;
    std::unique_ptr<crypto::SecretStore> credentials_;  // may be null
};

// The passphrase in the file that BAE_PASSPHRASE_FILE names: its first line.
Result<std::optional<crypto::SecretBytes>> passphrase_from_environment(Environment environment);

}  // namespace bae::node
