#include "sync/replica_state.h"

#include "crypto/base/crash_point.h"

namespace bae::sync {

namespace {

constexpr uint64_t kMaxBoxBytes = 4096;

}  // namespace

Result<void> ReplicaState::load() {
    {
        auto reader = TRY(database().read());
        auto row = TRY(load_library(*reader));
        if (!row) return fail(ErrorKind::not_found, "this home has no library yet");
        row_ = std::move(*row);
    }
    certificate_ = TRY(crypto::Certificate::parse(row_.certificate));
    membership_ = TRY(Membership::begin(row_.founding));
    last_entry_ = 0;
    TRY(read_mirror_boxes());
    return refresh();
}

Result<void> ReplicaState::refresh() {
    std::optional<LibraryRow> row;
    std::vector<EntryRow> entries;
    {
        auto reader = TRY(database().read());
        row = TRY(load_library(*reader));
        if (!row) return fail(ErrorKind::not_found, "this home has no library yet");
        entries = TRY(load_entries(*reader, last_entry_));
    }
    if (row->certificate != certificate_->bytes()) {
        auto certificate = TRY(crypto::Certificate::parse(row->certificate));
        if (certificate.body().device != device().public_keys()) {
            return fail(ErrorKind::denied,
                        "this installation goes on as another device since: start the program again");
        }
        certificate_ = std::move(certificate);
    }
    row_ = std::move(*row);
    TRY(take_entries(std::move(entries)));
    if (current_master() == nullptr) TRY(read_mirror_boxes());
    return {};
}

Result<LibraryRow> ReplicaState::current_row(sqlite::Connection& connection) const {
    auto row = TRY(load_library(connection));
    if (!row || row->certificate != row_.certificate)
        return fail(ErrorKind::retry, "this installation became another device meanwhile: sync again");
    return std::move(*row);
}

Result<void> ReplicaState::take_entries(std::vector<EntryRow> entries) {
    for (EntryRow& row : entries) {
        if (membership_->missing(row.entry) != Membership::Missing::nothing)
            return fail(ErrorKind::corrupt, "the library's database lacks a membership entry: restore this device");
        TRY(membership_->add(row.hash, row.device, std::move(row.entry)));
        last_entry_ = row.position;
    }
    if (!entries.empty()) keyring_.learn(*membership_);
    return {};
}

std::vector<crypto::RecipientTag> ReplicaState::recipient_tags() const {
    std::vector<crypto::RecipientTag> tags{crypto::recipient_tag(self())};
    if (options_.identity != nullptr) tags.push_back(crypto::recipient_tag(row_.id, options_.identity->public_key()));
    return tags;
}

crypto::BoxOpener ReplicaState::opener(const crypto::RecipientTag& recipient) const {
    if (recipient == crypto::recipient_tag(self()))
        return [this](ByteView sealed) { return device().open_box(sealed); };
    return [this](ByteView sealed) { return options_.identity->open_box(sealed); };
}

Result<void> ReplicaState::read_mirror_boxes() {
    const auto tags = recipient_tags();
    for (const s3::ObjectInfo& info : TRY(mirror().list_all("keys/"))) {
        const auto path = parse_key_box_path(info.path);
        if (!path || keyring_.has(path->key) || std::find(tags.begin(), tags.end(), path->recipient) == tags.end())
            continue;
        const auto object = mirror().get(info.path, kMaxBoxBytes);
        if (!object) continue;
        auto master = crypto::open_key_box(*object, opener(path->recipient));
        if (master && master->id() == path->key) keyring_.add(std::move(*master));
    }
    keyring_.learn(*membership_);
    return {};
}

Result<void> ReplicaState::begin(Beginning beginning) {
    LibraryRow row;
    row.id = library_id_of(beginning.founding);
    row.founding = std::move(beginning.founding);
    row.certificate = beginning.certificate.bytes();
    TRY(database().replicate([&](sqlite::Connection& connection) -> Result<void> {
        if (TRY(load_library(connection))) return fail(ErrorKind::conflict, "this home has a library already");
        TRY(store_library(connection, row));
        for (const EntryRow& entry : beginning.entries)
            TRY(store_entry(connection, entry.hash, entry.device, entry.entry));
        return {};
    }));
    return load();
}

Result<void> ReplicaState::add_entry(const EntryPath& path, ByteView object, MembershipEntry entry) {
    const crypto::Hash256 hash = crypto::object_hash(object);
    const EntryRow row{0, hash, path.device, entry};
    TRY(membership_->add(hash, path.device, std::move(entry)));
    TRY(mirror().put(entry_path(path.device, path.number, hash), object));
    CRASH_POINT("entry: before recording");
    TRY(database().replicate(
        [&](sqlite::Connection& connection) { return store_entry(connection, row.hash, row.device, row.entry); }));
    keyring_.learn(*membership_);
    return {};
}

SealedEntry seal_entry(const Membership& membership, const crypto::EpochMaster& master, const crypto::Signer& signer,
                       EntryKind kind, Bytes content) {
    const crypto::DeviceId author = signer.keys.id();
    const StreamReference end = membership.chain_end(author);
    SealedEntry sealed;
    sealed.entry = {kind, end.number + 1, end.hash, membership.newest_hashes(), std::move(content)};
    if (!std::binary_search(sealed.entry.read.begin(), sealed.entry.read.end(), end.hash)) {
        sealed.entry.read.insert(std::lower_bound(sealed.entry.read.begin(), sealed.entry.read.end(), end.hash),
                                 end.hash);
    }
    const std::string address = entry_address(author, sealed.entry.number);
    sealed.object = crypto::seal_object(crypto::ObjectKind::membership, {membership.library(), address}, master, signer,
                                        encode_entry(sealed.entry));
    sealed.hash = crypto::object_hash(sealed.object);
    sealed.path = entry_path(author, sealed.entry.number, sealed.hash);
    return sealed;
}

Result<void> ReplicaState::write_entry(EntryKind kind, Bytes content) {
    const SealedEntry sealed = seal_entry(*membership_, *current_master(), signer(), kind, std::move(content));
    TRY(mirror().put(sealed.path, sealed.object));
    CRASH_POINT("entry: before recording");
    TRY(database().replicate([&](sqlite::Connection& connection) -> Result<void> {
        TRY(store_entry(connection, sealed.hash, self(), sealed.entry));
        return add_outgoing_everywhere(connection, sealed.path);
    }));
    TRY(membership_->add(sealed.hash, self(), sealed.entry));
    return {};
}

Result<void> ReplicaState::write_box(const crypto::EpochMaster& master, const crypto::RecipientTag& recipient,
                                     ByteView sealing_key) {
    const std::string path = key_box_path(master.id(), recipient, self());
    // A box is made once: what the mirror holds from before a crash is what may have been sent.
    if (!mirror().stat(path)) {
        const Bytes box = crypto::seal_key_box(address(path), master, sealing_key, signer());
        TRY(mirror().put_if_absent(path, box));
    }
    return database().replicate(
        [&](sqlite::Connection& connection) { return add_outgoing_everywhere(connection, path); });
}

Result<void> ReplicaState::store_new_device(sqlite::Connection& connection,
                                            const crypto::Certificate& certificate) const {
    LibraryRow row;
    row.id = row_.id;
    row.founding = row_.founding;
    row.certificate = certificate.bytes();
    return store_library(connection, row);
}

Result<void> ReplicaState::ensure_device_entry() {
    if (membership_->certificate(certificate_->hash()) != nullptr) return {};
    return write_entry(EntryKind::device, certificate_->bytes());
}

void ReplicaState::become(std::optional<crypto::DeviceKeys> keys, crypto::Certificate certificate) {
    if (keys) new_device_ = std::move(*keys);
    row_.certificate = certificate.bytes();
    row_.sealed_number = 0;
    row_.sealed_hash = {};
    row_.head_counter = 0;
    certificate_ = std::move(certificate);
}

}  // namespace bae::sync
