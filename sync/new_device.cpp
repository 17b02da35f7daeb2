#include "sync/new_device.h"

#include <fmt/format.h>

#include "crypto/base/crash_point.h"
#include "sync/holds.h"
#include "sync/seen.h"

namespace bae::sync {

namespace {

crypto::Certificate certify(const ReplicaState& state, const crypto::DeviceKeys& keys) {
    crypto::CertificateBody body = state.certificate().body();
    body.continued = state.certificate().device_id();
    body.device = keys.public_keys();
    body.issued_s = std::max<int64_t>(state.options().clock.now_ms() / 1000, 0);
    body.expires_s = body.issued_s + crypto::kCertificateLifetime_s;
    return crypto::Certificate::issue(body, *state.options().identity, keys);
}

// What the mirror holds under this path; nothing if that is not what was sealed.
Result<std::optional<ChangeObject>> read_sealed(const ReplicaState& state, const crypto::DeviceId& old,
                                                const std::string& path) {
    const auto object = state.mirror().get(path, crypto::kMaxObjectBytes);
    if (!object && object.error().kind != ErrorKind::not_found && object.error().kind != ErrorKind::corrupt)
        return tl::unexpected(context(object.error(), "this device's own store"));
    if (!object) return std::optional<ChangeObject>();
    const auto plaintext =
        open_verified(state.membership(), state.keyring(), crypto::ObjectKind::change, path, old, *object);
    if (!plaintext && plaintext.error().reason == HoldReason::unknown_key)
        return fail(ErrorKind::retry, "this device's own store: " + plaintext.error().message);
    auto change = plaintext ? decode_change_object(*plaintext) : fail(ErrorKind::corrupt, path);
    if (!change) return std::optional<ChangeObject>();
    return std::optional<ChangeObject>(std::move(*change));
}

// The transactions of own objects after `common`. Of what is damaged in the mirror only those are left that the outbox
// still has, and nobody else could know.
Result<std::vector<OutboxTransaction>> transactions_after(const ReplicaState& state, sqlite::Connection& connection,
                                                          const crypto::DeviceId& old, uint64_t common) {
    HoldBook book = TRY(HoldBook::load(connection));
    std::vector<OutboxTransaction> transactions;
    for (uint64_t number = common + 1; number <= state.row().sealed_number; number++) {
        const std::string path = change_path(old, number);
        const auto change = TRY(read_sealed(state, old, path));
        if (!change) {
            book.alarm(path, AlarmReason::stored_differently,
                       fmt::format("{} in this device's own store is damaged: changes made here may be lost", path),
                       state.options().clock.now_ms());
            continue;
        }
        for (const IncomingTransaction& t : change->transactions)
            transactions.push_back({0, t.stamp, t.seen, to_bytes(t.changes), t.message});
    }
    TRY(book.store(connection));
    return transactions;
}

Result<void> take_back(sqlite::Connection& connection, const std::vector<OutboxTransaction>& again) {
    TRY(connection.run("UPDATE sync_outbox SET object_number = NULL, object_hash = NULL"));
    std::vector<const OutboxTransaction*> gone;
    for (const OutboxTransaction& t : again) {
        if (!TRY(connection.integer("SELECT 1 FROM sync_outbox WHERE stamp = ?1", t.stamp.text()))) gone.push_back(&t);
    }
    int64_t position = TRY(connection.integer("SELECT min(position) FROM sync_outbox")).value_or(1) -
                       static_cast<int64_t>(gone.size());
    for (const OutboxTransaction* t : gone) {
        SeenVector seen;
        seen.raise(t->seen);
        TRY(connection.run(
            "INSERT INTO sync_outbox (position, stamp, seen, changes, message) VALUES (?1, ?2, ?3, ?4, ?5)", position++,
            t->stamp.text(), seen.encode(), t->changes, t->message));
    }
    return {};
}

}  // namespace

Result<void> announce_new_device(ReplicaState& state, const crypto::DeviceId& device, uint64_t common) {
    return state.database().replicate([&](sqlite::Connection& connection) -> Result<void> {
        TRY(state.current_row(connection));
        return store_becoming(connection, {device, common});
    });
}

Result<std::optional<uint64_t>> announced_common(const ReplicaState& state, const crypto::DeviceId& device) {
    auto reader = TRY(state.database().read());
    const auto becoming = TRY(load_becoming(*reader));
    return becoming && becoming->device == device ? std::optional(becoming->common) : std::nullopt;
}

Result<void> continue_as_new_device(ReplicaState& state, std::optional<crypto::DeviceKeys> keys, uint64_t common) {
    const crypto::DeviceId old = state.certificate().device_id();
    const crypto::DeviceKeys& use = keys ? *keys : state.device();
    crypto::Certificate certificate = certify(state, use);
    uint64_t last = 0;
    TRY(state.database().replicate([&](sqlite::Connection& connection) -> Result<void> {
        state.set_row(TRY(state.current_row(connection)));
        last = state.row().sealed_number;
        const std::vector<OutboxTransaction> again = TRY(transactions_after(state, connection, old, common));
        TRY(state.database().set_device(connection, use.id()));
        TRY(state.store_new_device(connection, certificate));
        TRY(take_back(connection, again));
        TRY(forget_objects_after(connection, old, common));
        for (uint64_t number = common + 1; number <= last; number++) {
            TRY(connection.run("DELETE FROM sync_outgoing WHERE path = ?1", change_path(old, number)));
        }
        TRY(connection.run("DELETE FROM sync_carrier_heads WHERE device = ?1", old.view()));
        TRY(connection.run("UPDATE sync_carriers SET head_counter = 0, head_size = 0, head_put_ms = 0, head = x''"));
        return remove_becoming(connection);
    }));
    CRASH_POINT("copy: recorded");
    state.become(std::move(keys), std::move(certificate));
    for (uint64_t number = common + 1; number <= last; number++) TRY(state.mirror().remove(change_path(old, number)));
    return state.ensure_device_entry();
}

}  // namespace bae::sync
