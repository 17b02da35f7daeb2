#pragma once
// The one implementation of Replica. Private to this folder.
#include "sync/replica_state.h"

namespace bae::sync {

class ReplicaImpl : public Replica {
  public:
    explicit ReplicaImpl(const ReplicaOptions& options) : state_(options) {}
    ReplicaState& state() { return state_; }
    // Goes on from what is stored, finishing what a crash interrupted.
    Result<void> start();

    const crypto::LibraryId& library() const override { return state_.row().id; }
    const crypto::Certificate& certificate() const override { return state_.certificate(); }
    crypto::IdentityPublicKey founder() const override { return state_.membership().founding().identity; }

    Result<void> adopt(s3::Bucket& carrier) override;
    Result<SyncReport> sync(s3::Bucket& carrier, std::string_view carrier_name, const SyncOptions& options) override;
    Result<ReplicaStatus> status() override;
    Result<void> acknowledge(std::string_view subject, AlarmReason reason) override;
    crypto::KeyId current_key() const override { return sync::current_key(state_.membership()); }
    Result<crypto::SecretKey> release_key(const crypto::KeyId& epoch, std::string_view release_id) override;
    Result<std::vector<std::string>> verify(const SyncOptions& options) override;

  private:
    Result<std::vector<DeviceState>> device_states();

    ReplicaState state_;
};

}  // namespace bae::sync
