#pragma once
// One device's part in one library: its membership, keys and streams, and the rounds that copy objects between the
// local mirror and a carrier. Stands between Database (rows) and s3::Bucket (bytes).
//
// Threads: one call at a time per Replica; several processes may each have one on the same home (ReplicaOptions::
// lock_round lets their rounds run one at a time; writing goes on meanwhile). Errors of the carrier end a round with
// that error after everything that could be done was done; what waits for something else is a Hold, never an error.
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "crypto/certificate.h"
#include "crypto/keys.h"
#include "s3/bucket.h"
#include "sync/database.h"

namespace bae::sync {

struct SyncOptions;

struct ReplicaOptions {
    Database& database;
    s3::Bucket& mirror;  // a directory bucket inside the home
    const crypto::DeviceKeys& device;
    const crypto::Identity* identity;  // null on a device that is no keeper
    crypto::Random& random;
    Clock& clock;
    std::string program_version;  // put into heads, for people
    // The same mirror without fsync, for what can be fetched again; null: `mirror`.
    s3::Bucket* mirror_unsynced = nullptr;
    // Called when this installation turns out to be a copy of another and goes on as a new device: must store the new
    // keys durably in place of the old ones before it returns. Empty: a copy waits (copied_device).
    std::function<Result<void>(const crypto::DeviceKeys&)> on_new_device = {};
    // Called before a round, and before anything else that only one process of a home may do; others wait until what
    // it returned is dropped. `cancelled` of the options ends the waiting (cancelled), `on_progress` hears of it.
    // Empty: this is the only process.
    std::function<Result<std::shared_ptr<void>>(const SyncOptions&)> lock_round = {};
};

// Why something waits. Every one names what releases it (release_of).
enum class HoldReason {
    missing_object,         // a number is missing in a stream: until the carrier has it
    damaged_object,         // bytes differ from what they claim: until good bytes arrive
    bad_signature,          // not signed by its device
    broken_chain,           // names another previous hash than the one we have
    unknown_key,            // sealed under a key this device was not given
    unknown_device,         // its device has no counted certificate
    unknown_entry,          // a membership entry of a newer kind: upgrade needed
    newer_format,           // upgrade needed
    newer_schema,           // below the minimum schema: upgrade needed
    dated_ahead,            // more than 24 h ahead of this clock: until its time comes
    membership_incomplete,  // an entry that is named is missing
    forked,                 // two validly signed objects for one number
    own_clock,              // this device's clock is far off: nothing is sent until it is mended
    copied_device,          // this installation is a copy and needs a keeper's certificate
    carrier_unreachable,
    carrier_denied,
    carrier_emptied,  // what was there is gone
    foreign_library,  // the carrier holds another library
};
std::string_view to_string(HoldReason reason);   // "missing_object", stable, for --json
std::string_view release_of(HoldReason reason);  // what makes it go, for people

struct Hold {
    std::string subject;  // a stream ("changes/0123..."), a device, a carrier
    HoldReason reason = HoldReason::missing_object;
    std::string message;
    int64_t since_ms = 0;
};

// Something noticed that needs a person; stays until it is acknowledged or disproved.
enum class AlarmReason {
    rolled_back,         // the storage serves an older head than we have seen
    head_gone,           // a head we have seen is no longer there
    forked_stream,       // evidence of two histories of one device
    digest_mismatch,     // same positions, different state: a bug
    foreign_bytes,       // somebody else's bytes were at our path; they were overwritten
    copied_device,       // this installation was a copy; it goes on as a new device
    stored_differently,  // a mirror object differs from the carrier's
};
std::string_view to_string(AlarmReason reason);

struct Alarm {
    std::string subject;
    AlarmReason reason = AlarmReason::rolled_back;
    std::string message;
    int64_t since_ms = 0;
};

struct DeviceState {
    crypto::DeviceId id;
    bool self = false, keeper = false;
    uint64_t applied = 0;    // stream position applied here
    uint64_t published = 0;  // as its newest head says
    uint64_t head_counter = 0;
    int64_t last_heard_ms = 0;  // date of its newest head, 0 if none was seen
    std::string program_version;
    bool same_state = false;  // its newest head shows the positions and digest of this device
};

struct ReplicaStatus {
    std::vector<DeviceState> devices;
    uint64_t pending = 0;   // own transactions not confirmed on the carrier
    uint64_t unsealed = 0;  // of them: in no object yet, so a copy of the mirror lacks them
    std::vector<Hold> holds;
    std::vector<Alarm> alarms;
};

struct SyncProgress {
    std::string phase;  // "waiting", "receiving", "merging", "rebuilding", "sending"
    uint64_t done = 0, total = 0;
};
struct SyncOptions {
    std::function<void(const SyncProgress&)> on_progress;  // may be empty
    std::function<bool()> cancelled;                       // may be empty; checked between objects
    bool mend_clock = false;                               // give unsent transactions stamps of the mended clock
    bool receive_only = false;                             // the carrier is only read, and nothing is remembered of it
    bool creates_race = false;  // put_if_absent is not atomic there: what was sent is read again in the next round
    // Runs all tasks, in any order and on any threads, and returns when all are done; empty: one after the other. The
    // carrier and the mirror are called from it.
    std::function<void(std::vector<std::function<void()>>)> run_parallel;
};
struct SyncReport {
    uint64_t sent_objects = 0, sent_transactions = 0;
    uint64_t received_objects = 0, received_transactions = 0, received_rows = 0;
    // The carrier lost this device's head, or somebody else put it back: what else may be gone?
    bool own_head_gone = false;
    std::vector<Hold> holds;
};

class Replica {
  public:
    // A new library: epoch master, founding entry, certificate and the identity's key box, all in the mirror.
    static Result<std::unique_ptr<Replica>> found(const ReplicaOptions& options, const crypto::Hash256& next);
    // The library this home already has (not_found if none).
    static Result<std::unique_ptr<Replica>> open(const ReplicaOptions& options);
    // A further device of the same person from a recovery code: opens the boxes on the carrier, checks the founding
    // entry against `library`, certifies this device (identity must be given). Complete after one sync().
    struct RestoreInfo {
        int64_t newest_head_ms = 0;  // a restored device cannot notice a rollback: show this
        uint64_t devices = 0;
    };
    static Result<std::unique_ptr<Replica>> restore(const ReplicaOptions& options, const crypto::LibraryId& library,
                                                    const std::optional<crypto::Hash256>& next, s3::Bucket& carrier,
                                                    RestoreInfo* info);
    // The same for a device that was certified elsewhere and got its key box on the carrier (pairing); no identity is
    // needed. The certificate is this device's and may name the device it continues.
    static Result<std::unique_ptr<Replica>> join(const ReplicaOptions& options, const crypto::LibraryId& library,
                                                 const crypto::Certificate& certificate, s3::Bucket& carrier,
                                                 RestoreInfo* info);
    virtual ~Replica() = default;

    virtual const crypto::LibraryId& library() const = 0;
    virtual const crypto::Certificate& certificate() const = 0;
    virtual crypto::IdentityPublicKey founder() const = 0;

    // Before a carrier is used for the first time: empty, or holds this library. conflict: holds another one.
    virtual Result<void> adopt(s3::Bucket& carrier) = 0;
    virtual bool holds_library(s3::Bucket& carrier) = 0;  // now, and this one; nothing is written
    // One full round: pull, merge, push. `carrier_name` identifies the carrier in holds and its remembered heads.
    virtual Result<SyncReport> sync(s3::Bucket& carrier, std::string_view carrier_name, const SyncOptions& options) = 0;
    // Without a carrier: what waits goes into the mirror, with a head, so that a copy of the mirror is the library.
    virtual Result<void> seal() = 0;
    virtual Result<ReplicaStatus> status() = 0;
    virtual Result<void> acknowledge(std::string_view subject, AlarmReason reason) = 0;  // a person has seen this alarm

    // Keys for blobs. The current epoch is what new releases name; any epoch this device has can be asked for.
    virtual crypto::KeyId current_key() const = 0;
    virtual Result<crypto::SecretKey> release_key(const crypto::KeyId& epoch, std::string_view release_id) = 0;
    // Re-verifies every mirror object (seal, signature, chain) and the digest; the messages name what is wrong.
    virtual Result<std::vector<std::string>> verify(const SyncOptions& options) = 0;
};

}  // namespace bae::sync
