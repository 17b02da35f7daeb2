#pragma once
// Who belongs to the library, as far as the entries known here tell: a set of verified entries, each with its whole
// past. Values only: where entries are kept is replica_store.h, how they are checked is sealed_reader.h.
#include <map>
#include <optional>
#include <set>

#include "sync/membership_entry.h"
#include "sync/paths.h"

namespace bae::sync {

struct KnownEntry {
    crypto::Hash256 hash;     // of its object
    crypto::DeviceId device;  // its author, whose chain it is in
    uint64_t depth = 0;       // founding entry: 0
    MembershipEntry entry;
};

class Membership {
  public:
    // `founding` as decoded from `plaintext`.
    static Result<Membership> begin(ByteView founding_plaintext);

    enum class Missing { nothing, past };
    // Nothing: the entry can be added. Past: it names entries that are not here yet.
    Missing missing(const MembershipEntry& entry) const;
    // Adds an entry whose object was verified and whose past is complete; what it means is checked: corrupt or
    // bad_signature leaves everything as it was. An entry that is here already is fine.
    Result<void> add(const crypto::Hash256& hash, const crypto::DeviceId& author, MembershipEntry entry);

    const crypto::LibraryId& library() const { return library_; }
    const Founding& founding() const { return founding_; }
    const crypto::Certificate& founder_certificate() const { return certificates_.at(founder_certificate_); }
    bool knows(const crypto::Hash256& entry) const { return entries_.contains(entry) || entry == founding_hash(); }
    bool knows_path(const EntryPath& path) const;  // an entry that would lie there
    crypto::Hash256 founding_hash() const { return crypto::Hash256{{library_.bytes}}; }

    // Counted certificates only. The newest of a device is the one to show and to seal for.
    const crypto::Certificate* certificate(const crypto::CertificateHash& hash) const;
    const crypto::Certificate* certificate_of(const crypto::DeviceId& device) const;
    std::vector<crypto::DeviceId> devices() const;  // with a counted certificate, ascending
    // Is this certificate one that would count, and of a device whose id is free or its own?
    Result<void> check_certificate(const crypto::Certificate& certificate) const;

    bool has_unknown_kind(const crypto::DeviceId& author) const { return unknown_.contains(author); }
    std::vector<EntryReference> newest() const;          // per author, for change objects and heads
    std::vector<crypto::Hash256> newest_hashes() const;  // the same for entries, ascending
    // Number and hash the next entry of this device's chain follows; (0, library id) if it has none.
    StreamReference chain_end(const crypto::DeviceId& author) const;
    std::vector<const KnownEntry*> key_entries() const;  // greatest (depth, hash) last
    size_t size() const { return entries_.size(); }

  private:
    uint64_t depth_of(const MembershipEntry& entry) const;
    void add_certificate(const crypto::Certificate& certificate);

    crypto::LibraryId library_;
    Founding founding_;
    crypto::CertificateHash founder_certificate_;
    std::map<crypto::Hash256, KnownEntry> entries_;
    std::map<crypto::CertificateHash, crypto::Certificate> certificates_;
    std::map<crypto::DeviceId, crypto::CertificateHash> newest_certificate_;
    std::map<crypto::DeviceId, StreamReference> chain_ends_;
    std::set<crypto::DeviceId> unknown_;
};

}  // namespace bae::sync
