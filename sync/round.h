#pragma once
// One round with one carrier: pull, merge, push. Private to this folder. A Round lives as long as one call of
// Replica::sync.
//
// Database errors end the round at once. Errors of the carrier are kept (`trouble_`, the first of them) and everything
// that does not depend on the failed call goes on; what is refused or missing becomes a hold.
#include <set>

#include "sync/holds.h"
#include "sync/replica_state.h"

namespace bae::sync {

class Round {
  public:
    Round(ReplicaState& state, s3::Bucket& carrier, std::string_view name, const SyncOptions& options)
        : state_(state), carrier_(carrier), name_(name), options_(options) {}
    Result<SyncReport> run();
    Result<void> seal();  // into the mirror alone; the carrier is not called

  private:
    using Task = std::function<void()>;
    enum class Go { on, stop };

    // --- round.cpp
    Result<void> begin();
    Result<void> pull_and_push();
    Result<Go> meet();  // is this our library, and reachable?
    Result<Go> check_library();
    Result<void> first_contact();
    Result<void> finish();  // writes what differs from what is stored
    Result<void> forget_this_carrier();
    Result<void> write_pending(sqlite::Connection& connection);
    void pending_written();
    void judge_clock();
    Result<void> judge_digests();
    void compare_digests(std::map<crypto::DeviceId, uint64_t> here, const Digest& digest);
    void note(const Error& error);  // an error of the carrier
    bool gave_up() const { return troubles_ >= kMaxTroubles || cancelled_; }
    bool cancelled();
    void progress(std::string_view phase, uint64_t done, uint64_t total) const;
    void hold(std::string_view subject, const Refusal& refusal) {
        book_.hold(subject, refusal.reason, refusal.message, local_ms_);
    }
    void alarm(std::string_view subject, AlarmReason reason, std::string message) {
        book_.alarm(subject, reason, std::move(message), local_ms_);
    }
    void run_parallel(std::vector<Task> tasks) const;

    // --- pull_heads.cpp
    void read_heads();
    void read_own_head(const s3::ObjectInfo& info);
    void judge_own_head(const Bytes& object, const s3::ObjectInfo& info);
    void put_own_end_back(const Head& head);
    void notice_missing_heads();
    bool is_unchanged(const crypto::DeviceId& device, const s3::ObjectInfo& info) const;
    void accept_head(const crypto::DeviceId& device, const s3::ObjectInfo& info, const Bytes& object);
    void remember_listed(const crypto::DeviceId& device, const s3::ObjectInfo& info, bool same);
    Checked<Head> open_head(const crypto::DeviceId& device, const Bytes& object);
    void judge_claims(const crypto::DeviceId& author, const Head& head);
    void judge_own_claim(const crypto::DeviceId& author, const StreamReference& claim);
    Result<bool> signed_by_another(uint64_t number);  // an own object on the carrier that is not of this home
    Result<std::optional<crypto::Hash256>> known_hash(const crypto::DeviceId& device, uint64_t number);

    // --- pull_membership.cpp
    void read_entries(const crypto::DeviceId& device);  // fetches what is new under membership/{device}/
    void read_all_entries();
    void fetch_entries(std::string_view prefix);
    void settle_entries();
    bool settle_entry(const std::string& path);  // true: done with it, one way or the other
    void read_boxes(const crypto::KeyId& key);
    void take_box(const KeyBoxPath& path, const Bytes& object);
    void retry_held();
    void complete_membership();  // what heads name must be here
    bool knows_all(const std::vector<EntryReference>& entries) const;

    // --- pull.cpp
    struct Arrived {  // verified, waiting to be merged
        StreamReference reference;
        ChangeObject change;
        bool unsynced = false;  // was written into the mirror without fsync
    };
    struct Fetched {
        Result<Bytes> bytes = fail(ErrorKind::not_found, "");
        bool from_mirror = false;
    };
    Result<void> read_streams();
    Result<void> read_stream(StreamEnd end, uint64_t last);
    Result<bool> take_object(StreamEnd& end, Fetched fetched);  // false: the stream stops here
    Checked<ChangeObject> check_object(const StreamEnd& end, const Bytes& object);
    Fetched fetch_object(const crypto::DeviceId& device, uint64_t number);
    Fetched fetch_from_carrier(const std::string& path);
    std::optional<Refusal> fork_at(const StreamEnd& end);
    Result<void> merge_arrived();
    Result<void> record_arrived(sqlite::Connection& connection, const Arrived& arrived) const;
    Result<void> drop_from_outbox(sqlite::Connection& connection, const Arrived& arrived) const;
    void judge_published(const StreamEnd& end, const Head& head);
    Result<void> repair_mirror();
    Result<bool> repair_object(const UncheckedObject& object);  // true: the mirror has it
    std::optional<std::string> head_contradicts(const StreamReference& object) const;

    // --- push.cpp, send.cpp
    Result<void> push();
    bool may_seal();
    Result<void> write_missing_boxes();
    Result<void> seal_all();
    Result<bool> seal_some(sqlite::Connection& connection);  // true: more is waiting
    Result<void> seal_object(sqlite::Connection& connection, std::vector<OutboxTransaction> transactions);
    Result<std::optional<size_t>> adopt_sealed(const std::string& path, const std::vector<OutboxTransaction>& unsealed,
                                               Bytes& object);
    Result<void> compose_head(sqlite::Connection& connection);
    Head make_head() const;
    bool needs_head(const Head& next) const;
    Result<void> send_outgoing();
    Result<void> send_window(const std::vector<std::string>& paths);
    void send(const std::string& path, Bytes object);
    Result<Bytes> read_twice(const std::string& path, uint64_t max_bytes, const Bytes* expected);
    void send_onto_other(const std::string& path, const Bytes& object);
    bool is_own_path(std::string_view path) const;
    Result<bool> is_recorded(const std::string& path, const Bytes& object);
    Result<std::optional<Bytes>> read_to_send(const std::string& path);
    void note_unsent(const Error& error);
    Bytes seal_head() const;
    Result<void> send_head();

    // --- seal.cpp
    void recall_own_head();
    Result<void> record_sent(sqlite::Connection& connection);

    // --- copy.cpp
    void found_copy();
    Result<void> become_new_device();  // clears is_copy_ if it did
    // `other`: the head by which the copy was noticed, if it was. Absent: the carrier cannot tell now.
    Result<std::optional<uint64_t>> last_common_number(const std::optional<SeenHead>& other);
    bool read_old_head(const crypto::DeviceId& old, std::optional<SeenHead>& seen);  // false: it cannot tell now
    bool old_stream_is_read() const;

    // --- mend_clock.cpp
    Result<void> mend_clock();
    Result<void> rebuild(const std::function<Result<void>(std::span<const IncomingObject>)>& apply);
    Result<LibraryRow> own_row() const;  // as it is now
    Result<bool> sealed_dated_ahead(const LibraryRow& row) const;

    static constexpr int kMaxTroubles = 3;

    ReplicaState& state_;
    s3::Bucket& carrier_;
    std::string name_;
    const SyncOptions options_;
    SyncReport report_;
    HoldBook book_;

    int64_t local_ms_ = 0;  // this device's clock, as of the beginning
    int64_t now_ms_ = 0;    // corrected by the storage's
    bool clock_wrong_ = false;
    std::optional<Error> trouble_;
    int troubles_ = 0;
    bool cancelled_ = false;

    std::optional<CarrierRow> carrier_row_;
    std::map<crypto::DeviceId, CarrierHead> carrier_heads_;
    std::map<crypto::DeviceId, SeenHead> heads_;  // newest of every other device
    std::vector<s3::ObjectInfo> listing_;
    bool own_head_listed_ = false;
    std::map<crypto::DeviceId, StreamPosition> positions_;

    std::map<std::string, Bytes> new_entries_;  // fetched, not yet taken
    std::set<std::string> listed_;              // prefixes listed in this round
    bool membership_complete_ = true;

    std::vector<Arrived> arrived_;
    size_t arrived_bytes_ = 0;
    std::set<crypto::DeviceId> all_arrived_;  // streams read up to what their heads say

    bool is_copy_ = false;                                                  // found_copy, in this round or before
    std::vector<std::pair<crypto::DeviceId, StreamReference>> own_claims_;  // of heads, on the own stream
    std::set<crypto::DeviceId> dirty_heads_;                                // to be stored: heads_
    std::set<crypto::DeviceId> dirty_carrier_heads_;                        // to be stored or removed: carrier_heads_
    bool dirty_carrier_ = false;

    std::optional<Head> next_head_;
    bool own_head_damaged_ = false;
    bool sending_failed_ = false;
    std::vector<std::string> sent_;
};

}  // namespace bae::sync
