#pragma once
// What `init` and `restore` share: a home being made, with its keys, rows and replica.
#include <memory>
#include <optional>

#include "crypto/recovery_code.h"
#include "node/cli/session.h"

namespace bae::node {

class Founding {
  public:
    // locked: another process is at it. With `passphrase` one is asked for; BAE_PASSPHRASE_FILE works too.
    static Result<Founding> begin(Session& session, bool passphrase);

    Secrets& secrets() { return *secrets_; }
    // New device keys, an empty database and an empty mirror. Then exactly one of the next two.
    Result<void> prepare(crypto::Identity identity, std::optional<crypto::Hash256> next);
    Result<void> found();
    Result<sync::Replica::RestoreInfo> restore(const crypto::LibraryId& library, Carrier& carrier);
    // Everything that lies there, without writing or remembering anything there.
    Result<void> receive(Carrier& carrier, Output& out);
    // Does this library lie there?
    bool is_at(Carrier& carrier);

    // The row that says what this device is called.
    Result<void> name_device(const std::string& name);
    // The one to sync through; credentials only of an S3 bucket.
    Result<void> use_carrier(const Place& place, const CarrierRow& row, const s3::S3Credentials* credentials);
    HomeRecord record() const;
    // From here on there is a library.
    Result<void> commit();

  private:
    explicit Founding(NewHome home) : home_(std::move(home)) {}
    sync::ReplicaOptions options();
    NewHome home_;
    std::optional<Secrets> secrets_;
    std::unique_ptr<crypto::DeviceKeys> device_;
    std::unique_ptr<crypto::Identity> identity_;
    std::optional<crypto::Hash256> next_;
    std::unique_ptr<sync::Database> database_;
    std::unique_ptr<s3::Bucket> mirror_;
    std::unique_ptr<sync::Replica> replica_;
};

std::string device_name_or_host(const std::optional<std::string>& name);

}  // namespace bae::node
