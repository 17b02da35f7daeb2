#include "sync/sealed_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "sync/changes.h"

namespace bae::sync {

namespace {

Checked<crypto::ObjectHeader> parse(crypto::ObjectKind kind, std::string_view address, ByteView object) {
    const auto header = crypto::parse_object(object);
    if (!header) {
        Refusal refusal = refusal_of(header.error());
        return refuse(refusal.reason, fmt::format("{}: {}", address, refusal.message));
    }
    if (header->kind != kind)
        return refuse(HoldReason::damaged_object, fmt::format("{} is an object of another kind", address));
    return *header;
}

// What is wrong with an object whose signature does not fit: if its seal does not hold either, it was damaged on the
// way.
Refusal signature_refusal(const Membership& membership, const Keyring& keyring, const crypto::ObjectHeader& header,
                          std::string_view address, ByteView object, Refusal otherwise) {
    const crypto::EpochMaster* master = keyring.find(header.key_id);
    if (master == nullptr || crypto::open_object(object, {membership.library(), address}, *master)) return otherwise;
    return {HoldReason::damaged_object, fmt::format("{} is damaged", address)};
}

Checked<Bytes> open_seal(const Membership& membership, const Keyring& keyring, const crypto::ObjectHeader& header,
                         std::string_view address, ByteView object) {
    const crypto::EpochMaster* master = keyring.find(header.key_id);
    if (master == nullptr)
        return refuse(HoldReason::unknown_key, fmt::format("{} is sealed under key {}, which this device was not given",
                                                           address, header.key_id.text()));
    auto plaintext = crypto::open_object(object, {membership.library(), address}, *master);
    if (!plaintext) return refuse(HoldReason::damaged_object, fmt::format("{} is damaged", address));
    return std::move(*plaintext);
}

Checked<void> check_signature(const Membership& membership, const Keyring& keyring, const crypto::ObjectHeader& header,
                              std::string_view address, const crypto::DeviceId& author, ByteView object,
                              const crypto::Certificate* certificate) {
    if (certificate == nullptr) {
        return tl::unexpected(signature_refusal(
            membership, keyring, header, address, object,
            {HoldReason::unknown_device, fmt::format("{} is signed under a certificate that is not here", address)}));
    }
    const bool its_own = certificate->device_id() == author;
    if (its_own && crypto::verify_object(object, {membership.library(), address}, certificate->body().device.signing))
        return {};
    return tl::unexpected(
        signature_refusal(membership, keyring, header, address, object,
                          {HoldReason::bad_signature, fmt::format("{} is not signed by its device", address)}));
}

Checked<void> check_stamps(const Membership& membership, const StreamEnd& cursor, const ChangeObject& object,
                           int64_t now_ms) {
    const crypto::Certificate* certificate = membership.certificate_of(cursor.device);
    const auto continued = certificate == nullptr ? std::nullopt : certificate->body().continued;
    std::optional<Stamp> last = cursor.last_stamp;
    for (const IncomingTransaction& transaction : object.transactions) {
        const Stamp& stamp = transaction.stamp;
        const bool own_began = last && last->device == cursor.device;
        const bool allowed = stamp.device == cursor.device || (!own_began && continued && stamp.device == *continued);
        if (!allowed) return refuse(HoldReason::damaged_object, "a transaction stamped by another device");
        if (last && !(*last < stamp))
            return refuse(HoldReason::damaged_object, "a transaction stamped before the one it follows");
        if (stamp.ms > now_ms && stamp.ms - now_ms > kMaxAheadMs) {
            return refuse(HoldReason::dated_ahead,
                          fmt::format("a change of device {} is dated more than a day ahead ({})", cursor.device.text(),
                                      stamp.text()));
        }
        last = stamp;
    }
    return {};
}

}  // namespace

Refusal refusal_of(const Error& error) {
    if (error.kind == ErrorKind::upgrade_needed) return {HoldReason::newer_format, error.message};
    if (error.kind == ErrorKind::bad_signature) return {HoldReason::bad_signature, error.message};
    return {HoldReason::damaged_object, error.message};
}

Checked<Bytes> open_verified(const Membership& membership, const Keyring& keyring, crypto::ObjectKind kind,
                             std::string_view address, const crypto::DeviceId& author, ByteView object) {
    const auto header = parse(kind, address, object);
    if (!header) return tl::unexpected(header.error());
    const crypto::Certificate* certificate = membership.certificate(crypto::certificate_of(object));
    const auto signature = check_signature(membership, keyring, *header, address, author, object, certificate);
    if (!signature) return tl::unexpected(signature.error());
    if (!is_usable(membership, header->key_id)) {
        return refuse(HoldReason::unknown_key, fmt::format("{} is sealed under key {}, which no entry introduces",
                                                           address, header->key_id.text()));
    }
    return open_seal(membership, keyring, *header, address, object);
}

Checked<MembershipEntry> open_entry(const Membership& membership, const Keyring& keyring, const EntryPath& path,
                                    ByteView object) {
    const std::string address = entry_address(path.device, path.number);
    const auto header = parse(crypto::ObjectKind::membership, address, object);
    if (!header) return tl::unexpected(header.error());
    const crypto::Hash256 hash = crypto::object_hash(object);
    if (!equal(ByteView(hash.bytes).first(path.hash_start.kSize), path.hash_start.view())) {
        return refuse(HoldReason::damaged_object, fmt::format("{} is damaged", address));
    }
    const auto plaintext = open_seal(membership, keyring, *header, address, object);
    if (!plaintext) return tl::unexpected(plaintext.error());
    auto entry = decode_entry(*plaintext);
    if (!entry) return tl::unexpected(refusal_of(entry.error()));
    if (entry->number != path.number)
        return refuse(HoldReason::damaged_object, fmt::format("{} holds another entry", address));
    const crypto::Certificate* signer = membership.certificate(crypto::certificate_of(object));
    std::optional<crypto::Certificate> brought;
    if (signer == nullptr && entry->kind == EntryKind::device) {
        auto own = crypto::Certificate::parse(entry->content);
        if (!own) return tl::unexpected(refusal_of(own.error()));
        const auto counts = membership.check_certificate(*own);
        if (!counts) return tl::unexpected(refusal_of(counts.error()));
        if (own->hash() == crypto::certificate_of(object)) brought = std::move(*own);
        if (brought) signer = &*brought;
    }
    const auto signature = check_signature(membership, keyring, *header, address, path.device, object, signer);
    if (!signature) return tl::unexpected(signature.error());
    return std::move(*entry);
}

Checked<crypto::EpochMaster> open_verified_box(const Membership& membership, const KeyBoxPath& path, ByteView object,
                                               const crypto::BoxOpener& open) {
    const std::string address = key_box_path(path.key, path.recipient, path.writer);
    const auto header = parse(crypto::ObjectKind::key, address, object);
    if (!header) return tl::unexpected(header.error());
    const crypto::Certificate* writer = membership.certificate(crypto::certificate_of(object));
    if (writer == nullptr)
        return refuse(HoldReason::unknown_device,
                      fmt::format("{} is signed under a certificate that is not here", address));
    if (writer->device_id() != path.writer ||
        !crypto::verify_object(object, {membership.library(), address}, writer->body().device.signing)) {
        return refuse(HoldReason::bad_signature, fmt::format("{} is not signed by its device", address));
    }
    auto master = crypto::open_key_box(object, open);
    if (!master) return tl::unexpected(refusal_of(master.error()));
    if (master->id() != path.key)
        return refuse(HoldReason::damaged_object, fmt::format("{} holds another key", address));
    return std::move(*master);
}

Result<Bytes> open_founding(const crypto::LibraryId& library, const Keyring& keyring, ByteView object) {
    const crypto::ObjectHeader header = TRY_CONTEXT(crypto::parse_object(object), kFoundingPath);
    if (header.kind != crypto::ObjectKind::founding)
        return fail(ErrorKind::corrupt, "library.bae is an object of another kind");
    const crypto::EpochMaster* master = keyring.find(header.key_id);
    if (master == nullptr) return fail(ErrorKind::not_found, "library.bae is sealed under a key that is not here");
    Bytes plaintext = TRY_CONTEXT(crypto::open_object(object, {library, kFoundingPath}, *master), kFoundingPath);
    if (library_id_of(plaintext) != library) return fail(ErrorKind::conflict, "library.bae is another library's");
    const Founding founding = TRY(decode_founding(plaintext));
    const crypto::Certificate certificate = TRY(crypto::Certificate::parse(founding.certificate));
    TRY(crypto::verify_object(object, {library, kFoundingPath}, certificate.body().device.signing));
    return plaintext;
}

Checked<ChangeObject> open_change(const Membership& membership, const Keyring& keyring, const StreamEnd& cursor,
                                  ByteView object, int64_t now_ms) {
    const std::string path = change_path(cursor.device, cursor.number + 1);
    const auto plaintext = open_verified(membership, keyring, crypto::ObjectKind::change, path, cursor.device, object);
    if (!plaintext) return tl::unexpected(plaintext.error());
    auto change = decode_change_object(*plaintext);
    if (!change) return tl::unexpected(refusal_of(context(change.error(), path)));
    if (change->previous != cursor.hash)
        return refuse(HoldReason::broken_chain, fmt::format("{} does not follow the object before it", path));
    const auto stamps = check_stamps(membership, cursor, *change, now_ms);
    if (!stamps) return refuse(stamps.error().reason, fmt::format("{}: {}", path, stamps.error().message));
    for (const IncomingTransaction& transaction : change->transactions) {
        const auto checked = check_changes(transaction.changes);
        if (!checked) return tl::unexpected(refusal_of(context(checked.error(), path)));
    }
    return std::move(*change);
}

}  // namespace bae::sync
