#pragma once
// The one implementation of Replica. Private to this folder.
#include "sync/replica_state.h"

namespace bae::sync {

// Nobody else of this home is in a round until what it returns is dropped.
inline Result<std::shared_ptr<void>> lock_round(const ReplicaOptions& replica, const SyncOptions& options = {}) {
    return replica.lock_round ? replica.lock_round(options) : Result<std::shared_ptr<void>>(nullptr);
}

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
    bool holds_library(s3::Bucket& carrier) override;
    Result<SyncReport> sync(s3::Bucket& carrier, std::string_view carrier_name, const SyncOptions& options) override;
    Result<void> seal() override;
    Result<ReplicaStatus> status() override;
    Result<void> acknowledge(std::string_view subject, AlarmReason reason) override;
    crypto::KeyId current_key() const override { return sync::current_key(state_.membership()); }
    Result<crypto::SecretKey> release_key(const crypto::KeyId& epoch, std::string_view release_id) override;
    Result<std::vector<std::string>> verify(const SyncOptions& options) override;

  private:
    bool is_settled() const;
    Result<void> settle();
    Result<std::vector<DeviceState>> device_states();

    ReplicaState state_;
};

}  // namespace bae::sync
