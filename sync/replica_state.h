#pragma once
// What a Replica knows between rounds. Private to this folder. The database is the truth: other processes may work on
// the same home, so `refresh` comes before anything that relies on it.
#include "sync/keyring.h"
#include "sync/replica_store.h"
#include "sync/sealed_reader.h"

namespace bae::sync {

class ReplicaState {
  public:
    explicit ReplicaState(const ReplicaOptions& options) : options_(options) {}

    const ReplicaOptions& options() const { return options_; }
    Database& database() const { return options_.database; }
    s3::Bucket& mirror() const { return options_.mirror; }
    s3::Bucket& mirror_unsynced() const {
        return options_.mirror_unsynced == nullptr ? options_.mirror : *options_.mirror_unsynced;
    }
    const crypto::DeviceKeys& device() const { return new_device_ ? *new_device_ : options_.device; }
    crypto::DeviceId self() const { return device().id(); }
    const crypto::Certificate& certificate() const { return *certificate_; }
    crypto::Signer signer() const { return {device(), certificate_->hash()}; }
    const LibraryRow& row() const { return row_; }
    const Membership& membership() const { return *membership_; }
    Keyring& keyring() { return keyring_; }
    const Keyring& keyring() const { return keyring_; }
    crypto::ObjectAddress address(std::string_view path) const { return {row_.id, path}; }
    const crypto::EpochMaster* current_master() const { return keyring_.find(current_key(*membership_)); }

    // From the database and the boxes in the mirror. not_found if this home has no library; denied if its device is
    // another.
    Result<void> load();
    // What another process of this home may have changed. denied if this installation became another device meanwhile.
    Result<void> refresh();
    // Opens the boxes for this device among the mirror's, as far as they are good.
    Result<void> read_mirror_boxes();
    std::vector<crypto::RecipientTag> recipient_tags() const;
    crypto::BoxOpener opener(const crypto::RecipientTag& recipient) const;

    // Takes a library into an empty home, in one transaction, once everything it needs is in the mirror.
    struct Beginning {
        Bytes founding;                   // plaintext
        crypto::Certificate certificate;  // of this device
        std::vector<EntryRow> entries;    // in an order in which each comes after all it has read
    };
    Result<void> begin(Beginning beginning);

    // A verified entry whose past is here: into the mirror, the database, and the membership.
    Result<void> add_entry(const EntryPath& path, ByteView object, MembershipEntry entry);
    // The next entry of the own chain: sealed, stored, and noted to be sent everywhere.
    Result<void> write_entry(EntryKind kind, Bytes content);
    // The epoch master boxed for somebody: into the mirror, and noted to be sent everywhere.
    Result<void> write_box(const crypto::EpochMaster& master, const crypto::RecipientTag& recipient,
                           ByteView sealing_key);

    // Goes on as a new device with these keys. Inside replicate(): `store` writes, `become` takes effect once that
    // committed.
    Result<void> store_new_device(sqlite::Connection& connection, const crypto::Certificate& certificate) const;
    void become(std::optional<crypto::DeviceKeys> keys, crypto::Certificate certificate);
    // Writes this device's certificate as an entry of its own chain, unless it is there or is the founding entry's.
    Result<void> ensure_device_entry();
    void set_row(LibraryRow row) { row_ = std::move(row); }
    // The library's row as it is now, whoever wrote it last. retry if this installation became another device.
    Result<LibraryRow> current_row(sqlite::Connection& connection) const;

  private:
    Result<void> take_entries(std::vector<EntryRow> entries);

    ReplicaOptions options_;
    std::optional<crypto::DeviceKeys> new_device_;
    LibraryRow row_;
    std::optional<crypto::Certificate> certificate_;
    std::optional<Membership> membership_;
    int64_t last_entry_ = 0;
    Keyring keyring_;
};

// An own entry object: sealed under the current key of `state`.
struct SealedEntry {
    std::string path;
    crypto::Hash256 hash;
    Bytes object;
    MembershipEntry entry;
};
SealedEntry seal_entry(const Membership& membership, const crypto::EpochMaster& master, const crypto::Signer& signer,
                       EntryKind kind, Bytes content);

}  // namespace bae::sync
