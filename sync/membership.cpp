#include "sync/membership.h"

#include <algorithm>

namespace bae::sync {

Result<Membership> Membership::begin(ByteView founding_plaintext) {
    Membership membership;
    membership.founding_ = TRY(decode_founding(founding_plaintext));
    membership.library_ = library_id_of(founding_plaintext);
    const crypto::Certificate certificate = TRY(crypto::Certificate::parse(membership.founding_.certificate));
    membership.founder_certificate_ = certificate.hash();
    membership.add_certificate(certificate);
    return membership;
}

void Membership::add_certificate(const crypto::Certificate& certificate) {
    const crypto::DeviceId device = certificate.device_id();
    certificates_.insert_or_assign(certificate.hash(), certificate);
    const auto newest = newest_certificate_.find(device);
    if (newest == newest_certificate_.end()) {
        newest_certificate_.emplace(device, certificate.hash());
        return;
    }
    const auto rank = [](const crypto::Certificate& c) { return std::pair(c.body().issued_s, c.hash()); };
    if (rank(certificates_.at(newest->second)) < rank(certificate)) newest->second = certificate.hash();
}

bool Membership::knows_path(const EntryPath& path) const {
    crypto::Hash256 start;
    std::copy(path.hash_start.bytes.begin(), path.hash_start.bytes.end(), start.bytes.begin());
    for (auto at = entries_.lower_bound(start); at != entries_.end(); ++at) {
        if (!equal(ByteView(at->first.bytes).first(path.hash_start.kSize), path.hash_start.view())) return false;
        if (at->second.device == path.device && at->second.entry.number == path.number) return true;
    }
    return false;
}

const crypto::Certificate* Membership::certificate(const crypto::CertificateHash& hash) const {
    const auto found = certificates_.find(hash);
    return found == certificates_.end() ? nullptr : &found->second;
}

const crypto::Certificate* Membership::certificate_of(const crypto::DeviceId& device) const {
    const auto found = newest_certificate_.find(device);
    return found == newest_certificate_.end() ? nullptr : certificate(found->second);
}

std::vector<crypto::DeviceId> Membership::devices() const {
    std::vector<crypto::DeviceId> devices;
    for (const auto& [device, hash] : newest_certificate_) devices.push_back(device);
    return devices;
}

Result<void> Membership::check_certificate(const crypto::Certificate& certificate) const {
    if (certificate.body().identity != founding_.identity) {
        return fail(ErrorKind::bad_signature, "a certificate by somebody who does not belong to this library");
    }
    const crypto::Certificate* present = certificate_of(certificate.device_id());
    if (present != nullptr && present->body().device != certificate.body().device) {
        return fail(ErrorKind::bad_signature, "a certificate for a device id that is taken");
    }
    return {};
}

Membership::Missing Membership::missing(const MembershipEntry& entry) const {
    const bool all = std::all_of(entry.read.begin(), entry.read.end(), [&](const auto& hash) { return knows(hash); });
    return all ? Missing::nothing : Missing::past;
}

uint64_t Membership::depth_of(const MembershipEntry& entry) const {
    uint64_t depth = 0;
    for (const crypto::Hash256& hash : entry.read) {
        const auto read = entries_.find(hash);
        if (read != entries_.end()) depth = std::max(depth, read->second.depth);
    }
    return depth + 1;
}

Result<void> Membership::add(const crypto::Hash256& hash, const crypto::DeviceId& author, MembershipEntry entry) {
    if (entries_.contains(hash)) return {};
    CHECK(missing(entry) == Missing::nothing);
    const bool first = entry.number == 1;
    const auto previous = entries_.find(entry.previous);
    const bool follows = first ? entry.previous == founding_hash()
                               : previous != entries_.end() && previous->second.device == author &&
                                     previous->second.entry.number + 1 == entry.number;
    if (!follows) return fail(ErrorKind::corrupt, "a membership entry that does not follow the one before it");
    std::optional<crypto::Certificate> certificate;
    if (entry.kind == EntryKind::device) {
        certificate = TRY(crypto::Certificate::parse(entry.content));
        TRY(check_certificate(*certificate));
    } else if (entry.kind == EntryKind::key) {
        TRY(decode_key_content(entry.content));
    }
    if (certificate) add_certificate(*certificate);
    if (!is_known(entry.kind)) unknown_.insert(author);
    StreamReference& end = chain_ends_[author];
    const StreamReference here{author, entry.number, hash};
    if (end < here) end = here;
    const uint64_t depth = depth_of(entry);
    entries_.emplace(hash, KnownEntry{hash, author, depth, std::move(entry)});
    return {};
}

StreamReference Membership::chain_end(const crypto::DeviceId& author) const {
    const auto end = chain_ends_.find(author);
    return end == chain_ends_.end() ? StreamReference{author, 0, founding_hash()} : end->second;
}

std::vector<EntryReference> Membership::newest() const {
    std::map<crypto::DeviceId, crypto::Hash256> newest;
    newest.emplace(founder_certificate().device_id(), founding_hash());
    for (const auto& [device, end] : chain_ends_) newest.insert_or_assign(device, end.hash);
    std::vector<EntryReference> list;
    for (const auto& [device, hash] : newest) list.push_back({device, hash});
    return list;
}

std::vector<crypto::Hash256> Membership::newest_hashes() const {
    std::vector<crypto::Hash256> hashes;
    for (const EntryReference& entry : newest()) hashes.push_back(entry.hash);
    std::sort(hashes.begin(), hashes.end());
    return hashes;
}

std::vector<const KnownEntry*> Membership::key_entries() const {
    std::vector<const KnownEntry*> list;
    for (const auto& [hash, known] : entries_) {
        if (known.entry.kind == EntryKind::key) list.push_back(&known);
    }
    std::sort(list.begin(), list.end(), [](const KnownEntry* a, const KnownEntry* b) {
        return std::pair(a->depth, a->hash) < std::pair(b->depth, b->hash);
    });
    return list;
}

}  // namespace bae::sync
