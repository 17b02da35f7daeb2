#include <fmt/format.h>

#include <algorithm>

#include "crypto/base/crash_point.h"
#include "sync/replica_impl.h"

namespace bae::sync {

namespace {

constexpr uint64_t kMaxBoxBytes = 4096;
constexpr uint64_t kMaxFoundingBytes = 1 << 20;

// A library taken from a carrier into an empty home: nothing is believed before it is verified from the founding entry
// on, nothing enters the database before all of it is in the mirror.
class Joining {
  public:
    Joining(const ReplicaOptions& options, const crypto::LibraryId& library, s3::Bucket& carrier)
        : options_(options), library_(library), carrier_(carrier) {}

    Result<void> read_library() {
        {
            auto reader = TRY(options_.database.read());
            if (TRY(load_library(*reader))) return fail(ErrorKind::conflict, "this home has a library already");
        }
        const Bytes object = TRY_CONTEXT(carrier_.get(kFoundingPath, kMaxFoundingBytes), carrier_.describe());
        TRY(read_boxes());
        auto founding = open_founding(library_, keyring_, object);
        if (!founding)
            return tl::unexpected(context(
                founding.error(), fmt::format("{} does not hold the library of this code", carrier_.describe())));
        founding_ = std::move(*founding);
        keep(std::string(kFoundingPath), object);
        membership_ = TRY(Membership::begin(founding_));
        CRASH_POINT("restore: founding entry read");
        return read_entries();
    }

    const Founding& founding() const { return membership_->founding(); }

    Result<Replica::RestoreInfo> read_heads() {
        Replica::RestoreInfo info;
        info.devices = membership_->devices().size();
        for (const s3::ObjectInfo& listed : TRY_CONTEXT(carrier_.list_all("heads/"), carrier_.describe())) {
            const auto device = parse_head_path(listed.path);
            const auto object = carrier_.get(listed.path, kMaxHeadBytes);
            if (!device || !object) continue;
            const auto plaintext =
                open_verified(*membership_, keyring_, crypto::ObjectKind::head, listed.path, *device, *object);
            const auto head = plaintext ? decode_head(*plaintext) : fail(ErrorKind::corrupt, listed.path);
            if (head) info.newest_head_ms = std::max(info.newest_head_ms, head->date_ms);
        }
        return info;
    }

    Result<std::unique_ptr<Replica>> finish(const crypto::Certificate& certificate) {
        TRY(membership_->check_certificate(certificate));
        const crypto::EpochMaster* master = keyring_.find(current_key(*membership_));
        if (master == nullptr)
            return fail(ErrorKind::not_found,
                        "the library's current key was not given to this device yet: sync a device that has it");
        for (const s3::ObjectInfo& left : TRY(options_.mirror.list_all(entry_directory(options_.device.id()))))
            TRY(options_.mirror.remove(left.path));
        const SealedEntry own = seal_entry(*membership_, *master, {options_.device, certificate.hash()},
                                           EntryKind::device, certificate.bytes());
        keep(own.path, own.object);
        entries_.push_back({0, own.hash, options_.device.id(), own.entry});
        for (const auto& [path, object] : objects_)
            TRY_CONTEXT(options_.mirror.put(path, object), "writing the mirror");
        CRASH_POINT("restore: in the mirror");
        auto replica = std::make_unique<ReplicaImpl>(options_);
        TRY(replica->state().begin({founding_, certificate, entries_}));
        CRASH_POINT("restore: recorded");
        return std::unique_ptr<Replica>(std::move(replica));
    }

  private:
    void keep(std::string path, Bytes object) { objects_.insert_or_assign(std::move(path), std::move(object)); }

    std::optional<crypto::BoxOpener> opener(const crypto::RecipientTag& recipient) const {
        if (recipient == crypto::recipient_tag(options_.device.id()))
            return [this](ByteView sealed) { return options_.device.open_box(sealed); };
        if (options_.identity == nullptr ||
            recipient != crypto::recipient_tag(library_, options_.identity->public_key()))
            return std::nullopt;
        return [this](ByteView sealed) { return options_.identity->open_box(sealed); };
    }

    // Who wrote a box is not known yet; a key that opens library.bae is right whoever boxed it, and others count when
    // an entry introduces them.
    Result<void> read_boxes() {
        for (const s3::ObjectInfo& info : TRY_CONTEXT(carrier_.list_all("keys/"), carrier_.describe())) {
            const auto path = parse_key_box_path(info.path);
            const auto open = path ? opener(path->recipient) : std::nullopt;
            if (!open) continue;
            auto object = carrier_.get(info.path, kMaxBoxBytes);
            if (!object && object.error().kind != ErrorKind::not_found && object.error().kind != ErrorKind::corrupt)
                return tl::unexpected(object.error());
            auto master = object ? crypto::open_key_box(*object, *open) : fail(ErrorKind::corrupt, info.path);
            if (!master || master->id() != path->key) continue;
            keyring_.add(std::move(*master));
            keep(info.path, std::move(*object));
        }
        if (keyring_.all().empty())
            return fail(ErrorKind::denied,
                        fmt::format("{} holds no key for this code: it belongs to another library or another person",
                                    carrier_.describe()));
        return {};
    }

    Result<void> read_entries() {
        std::map<std::string, Bytes> waiting;
        for (const s3::ObjectInfo& info : TRY_CONTEXT(carrier_.list_all("membership/"), carrier_.describe())) {
            if (!parse_entry_path(info.path)) continue;
            auto object = carrier_.get(info.path, kMaxEntryObjectBytes);
            if (object)
                waiting.emplace(info.path, std::move(*object));
            else if (object.error().kind != ErrorKind::not_found && object.error().kind != ErrorKind::corrupt)
                return tl::unexpected(object.error());
        }
        for (bool moved = true; moved;) {
            moved = false;
            for (auto at = waiting.begin(); at != waiting.end();) {
                const bool taken = take_entry(at->first, at->second);
                moved = moved || taken;
                at = taken ? waiting.erase(at) : std::next(at);
            }
        }
        return {};  // what is left over is looked at again, and named, by the first sync
    }

    bool take_entry(const std::string& path, const Bytes& object) {
        const EntryPath place = *parse_entry_path(path);
        const auto entry = open_entry(*membership_, keyring_, place, object);
        if (!entry || membership_->missing(*entry) != Membership::Missing::nothing) return false;
        const crypto::Hash256 hash = crypto::object_hash(object);
        if (!membership_->add(hash, place.device, *entry)) return false;
        keyring_.learn(*membership_);
        entries_.push_back({0, hash, place.device, *entry});
        keep(path, object);
        return true;
    }

    const ReplicaOptions& options_;
    crypto::LibraryId library_;
    s3::Bucket& carrier_;
    Keyring keyring_;
    Bytes founding_;
    std::optional<Membership> membership_;
    std::vector<EntryRow> entries_;
    std::map<std::string, Bytes> objects_;
};

}  // namespace

Result<std::unique_ptr<Replica>> Replica::restore(const ReplicaOptions& options, const crypto::LibraryId& library,
                                                  const std::optional<crypto::Hash256>& next, s3::Bucket& carrier,
                                                  RestoreInfo* info) {
    if (options.identity == nullptr) return fail(ErrorKind::invalid_input, "restoring needs the identity");
    const auto lock = TRY(lock_round(options));
    Joining joining(options, library, carrier);
    TRY(joining.read_library());
    if (joining.founding().identity != options.identity->public_key())
        return fail(ErrorKind::denied, "this library was founded by somebody else");
    if (info != nullptr) *info = TRY(joining.read_heads());
    crypto::CertificateBody body;
    body.identity = options.identity->public_key();
    body.device = options.device.public_keys();
    body.keeper = true;
    body.next = next.value_or(joining.founding().next);
    body.issued_s = std::max<int64_t>(options.clock.now_ms() / 1000, 0);
    body.expires_s = body.issued_s + crypto::kCertificateLifetime_s;
    return joining.finish(crypto::Certificate::issue(body, *options.identity, options.device));
}

Result<std::unique_ptr<Replica>> Replica::join(const ReplicaOptions& options, const crypto::LibraryId& library,
                                               const crypto::Certificate& certificate, s3::Bucket& carrier,
                                               RestoreInfo* info) {
    const auto lock = TRY(lock_round(options));
    Joining joining(options, library, carrier);
    TRY(joining.read_library());
    if (certificate.body().device != options.device.public_keys())
        return fail(ErrorKind::invalid_input, "a certificate of another device");
    if (info != nullptr) *info = TRY(joining.read_heads());
    return joining.finish(certificate);
}

}  // namespace bae::sync
