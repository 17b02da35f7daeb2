#include "sync/replica.h"

#include <fmt/format.h>

#include <algorithm>

#include "crypto/base/crash_point.h"
#include "s3/probe.h"
#include "sync/holds.h"
#include "sync/new_device.h"
#include "sync/replica_impl.h"
#include "sync/round.h"

namespace bae::sync {

namespace {

constexpr uint64_t kMaxFoundingBytes = 1 << 20;
constexpr size_t kLookedAt = 1000;  // objects, to find a place empty

crypto::Certificate first_certificate(const ReplicaOptions& options, const crypto::Hash256& next) {
    crypto::CertificateBody body;
    body.identity = options.identity->public_key();
    body.device = options.device.public_keys();
    body.keeper = true;
    body.next = next;
    body.issued_s = std::max<int64_t>(options.clock.now_ms() / 1000, 0);
    body.expires_s = body.issued_s + crypto::kCertificateLifetime_s;
    return crypto::Certificate::issue(body, *options.identity, options.device);
}

// Boxes of a library whose founding a crash interrupted: nobody will ever know it.
Result<void> clear_mirror(s3::Bucket& mirror) {
    for (const s3::ObjectInfo& info : TRY(mirror.list_all("keys/"))) TRY(mirror.remove(info.path));
    return {};
}

// What a probe left, or another device's probe has there just now, is nobody's library.
Result<bool> is_empty(s3::Bucket& carrier) {
    const s3::ListPage page = TRY(carrier.list("", "", kLookedAt));
    const bool only_probes = std::all_of(page.objects.begin(), page.objects.end(), [](const s3::ObjectInfo& info) {
        return info.path.starts_with(s3::kProbePrefix);
    });
    return only_probes && !page.truncated;
}

}  // namespace

Result<std::unique_ptr<Replica>> Replica::found(const ReplicaOptions& options, const crypto::Hash256& next) {
    if (options.identity == nullptr)
        return fail(ErrorKind::invalid_input, "only a device that holds the identity can found a library");
    const auto lock = TRY(lock_round(options));
    {
        auto reader = TRY(options.database.read());
        if (TRY(load_library(*reader))) return fail(ErrorKind::conflict, "this home has a library already");
    }
    TRY(clear_mirror(options.mirror));
    const crypto::EpochMaster master = crypto::EpochMaster::generate(options.random);
    const crypto::Certificate certificate = first_certificate(options, next);
    Founding founding{{}, options.identity->public_key(), next, certificate.bytes(), master.id()};
    options.random.fill(founding.random.bytes);
    const Bytes plaintext = encode_founding(founding);
    const crypto::LibraryId library = library_id_of(plaintext);
    const crypto::Signer signer{options.device, certificate.hash()};
    const auto recipient = TRY(crypto::sealing_key_of(options.identity->public_key()));
    const std::string box_path =
        key_box_path(master.id(), crypto::recipient_tag(library, options.identity->public_key()), options.device.id());
    TRY(options.mirror.put(box_path, crypto::seal_key_box({library, box_path}, master, recipient.view(), signer)));
    CRASH_POINT("found: boxed");
    TRY(options.mirror.put(kFoundingPath, crypto::seal_object(crypto::ObjectKind::founding, {library, kFoundingPath},
                                                              master, signer, plaintext)));
    CRASH_POINT("found: in the mirror");
    auto replica = std::make_unique<ReplicaImpl>(options);
    TRY(replica->state().begin({plaintext, certificate, {}}));
    return std::unique_ptr<Replica>(std::move(replica));
}

Result<std::unique_ptr<Replica>> Replica::open(const ReplicaOptions& options) {
    auto replica = std::make_unique<ReplicaImpl>(options);
    TRY(replica->start());
    return std::unique_ptr<Replica>(std::move(replica));
}

Result<void> ReplicaImpl::start() {
    TRY(state_.load());
    if (is_settled()) return {};
    const auto lock = TRY(lock_round(state_.options()));
    TRY(state_.load());
    return settle();
}

// The certificate names this device's keys, and is among the membership's entries.
bool ReplicaImpl::is_settled() const {
    return state_.certificate().body().device == state_.device().public_keys() &&
           state_.membership().certificate(state_.certificate().hash()) != nullptr;
}

Result<void> ReplicaImpl::settle() {
    if (state_.certificate().body().device != state_.device().public_keys()) {
        const auto common = TRY(announced_common(state_, state_.device().id()));
        if (state_.options().identity == nullptr || !common)
            return fail(ErrorKind::denied,
                        "the device keys of this home are another device's: restore or pair this device anew");
        TRY(continue_as_new_device(state_, std::nullopt, *common));
    }
    if (state_.current_master() == nullptr) return {};
    return state_.ensure_device_entry();
}

Result<void> ReplicaImpl::adopt(s3::Bucket& carrier) {
    const auto lock = TRY(lock_round(state_.options()));
    TRY(state_.refresh());
    const auto object = carrier.get(kFoundingPath, kMaxFoundingBytes);
    if (object) {
        if (!open_founding(state_.row().id, state_.keyring(), *object)) {
            return fail(ErrorKind::conflict,
                        fmt::format("{} holds another library: choose an empty place", carrier.describe()));
        }
    } else if (object.error().kind != ErrorKind::not_found) {
        return tl::unexpected(context(object.error(), carrier.describe()));
    } else {
        if (!TRY_CONTEXT(is_empty(carrier), carrier.describe())) {
            return fail(ErrorKind::conflict,
                        fmt::format("{} is not empty and does not hold this library: choose an empty place",
                                    carrier.describe()));
        }
        const Bytes founding =
            TRY_CONTEXT(state_.mirror().get(kFoundingPath, kMaxFoundingBytes), "this device's own store");
        TRY_CONTEXT(carrier.put_if_absent(kFoundingPath, founding), carrier.describe());
    }
    return state_.database().replicate([](sqlite::Connection& connection) { return forget_carriers(connection); });
}

bool ReplicaImpl::holds_library(s3::Bucket& carrier) {
    const auto object = carrier.get(kFoundingPath, kMaxFoundingBytes);
    return object && open_founding(state_.row().id, state_.keyring(), *object);
}

Result<SyncReport> ReplicaImpl::sync(s3::Bucket& carrier, std::string_view carrier_name, const SyncOptions& options) {
    const auto lock = TRY(lock_round(state_.options(), options));
    return Round(state_, carrier, carrier_name, options).run();
}

Result<void> ReplicaImpl::seal() {
    const auto lock = TRY(lock_round(state_.options()));
    return Round(state_, state_.mirror(), "", {}).seal();
}

Result<ReplicaStatus> ReplicaImpl::status() {
    TRY(state_.refresh());
    ReplicaStatus status;
    status.devices = TRY(device_states());
    status.pending = TRY(state_.database().outbox_size());
    auto reader = TRY(state_.database().read());
    const auto unsealed = TRY(reader->integer("SELECT count(*) FROM sync_outbox WHERE object_number IS NULL"));
    status.unsealed = static_cast<uint64_t>(unsealed.value_or(0));
    const HoldBook book = TRY(HoldBook::load(*reader));
    status.holds = book.holds();
    status.alarms = book.alarms();
    return status;
}

Result<std::vector<DeviceState>> ReplicaImpl::device_states() {
    std::map<crypto::DeviceId, uint64_t> applied{{state_.self(), state_.row().sealed_number}};
    for (const StreamPosition& position : TRY(state_.database().positions()))
        applied.insert_or_assign(position.device, position.number);
    std::map<crypto::DeviceId, SeenHead> heads;
    {
        auto reader = TRY(state_.database().read());
        heads = TRY(load_heads(*reader));
    }
    const Digest digest = TRY(state_.database().digest());
    std::vector<DeviceState> states;
    for (const crypto::DeviceId& device : state_.membership().devices()) {
        const bool self = device == state_.self();
        DeviceState one{
            .id = device, .self = self, .keeper = state_.membership().certificate_of(device)->body().keeper};
        one.applied = applied.contains(device) ? applied.at(device) : 0;
        const auto seen = heads.find(device);
        if (self) {
            one.published = one.applied;
            one.head_counter = state_.row().head_counter;
            one.program_version = state_.options().program_version;
            one.same_state = true;
        } else if (seen != heads.end()) {
            const Head& head = seen->second.head;
            one.published = head.number;
            one.head_counter = head.counter;
            one.last_heard_ms = head.date_ms;
            one.program_version = head.program_version;
            one.same_state = head.digest == digest && one.applied == head.number;
        }
        states.push_back(std::move(one));
    }
    return states;
}

Result<void> ReplicaImpl::acknowledge(std::string_view subject, AlarmReason reason) {
    return state_.database().replicate([&](sqlite::Connection& connection) -> Result<void> {
        HoldBook book = TRY(HoldBook::load(connection));
        book.disprove(subject, reason);
        return book.changed() ? book.store(connection) : Result<void>();
    });
}

Result<crypto::SecretKey> ReplicaImpl::release_key(const crypto::KeyId& epoch, std::string_view release_id) {
    const crypto::EpochMaster* master = state_.keyring().find(epoch);
    if (master == nullptr)
        return fail(ErrorKind::not_found,
                    fmt::format("key {} was not given to this device yet: sync a device that has it", epoch.text()));
    return master->release_key(release_id);
}

}  // namespace bae::sync
