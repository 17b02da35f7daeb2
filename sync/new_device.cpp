#include "sync/new_device.h"

#include "crypto/base/crash_point.h"
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

// The transactions of own objects after `common`, out of the mirror; what is damaged there stays in the outbox, or is
// lost.
Result<std::vector<OutboxTransaction>> transactions_after(ReplicaState& state, const crypto::DeviceId& old,
                                                          uint64_t common) {
    std::vector<OutboxTransaction> transactions;
    for (uint64_t number = common + 1; number <= state.row().sealed_number; number++) {
        const std::string path = change_path(old, number);
        const auto object = state.mirror().get(path, crypto::kMaxObjectBytes);
        if (!object) continue;
        const auto plaintext =
            open_verified(state.membership(), state.keyring(), crypto::ObjectKind::change, path, old, *object);
        const auto change = plaintext ? decode_change_object(*plaintext) : fail(ErrorKind::corrupt, path);
        if (!change) continue;
        for (const IncomingTransaction& t : change->transactions)
            transactions.push_back({0, t.stamp, t.seen, to_bytes(t.changes), t.message});
    }
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

Result<uint64_t> last_confirmed_number(ReplicaState& state) {
    auto reader = TRY(state.database().read());
    const auto first_unsent = TRY(reader->integer("SELECT min(object_number) FROM sync_outbox"));
    return first_unsent ? static_cast<uint64_t>(*first_unsent) - 1 : state.row().sealed_number;
}

Result<void> continue_as_new_device(ReplicaState& state, std::optional<crypto::DeviceKeys> keys, uint64_t common) {
    const crypto::DeviceId old = state.certificate().device_id();
    const uint64_t last = state.row().sealed_number;
    const std::vector<OutboxTransaction> again = TRY(transactions_after(state, old, common));
    const crypto::DeviceKeys& use = keys ? *keys : state.device();
    crypto::Certificate certificate = certify(state, use);
    TRY(state.database().replicate([&](sqlite::Connection& connection) -> Result<void> {
        TRY(state.database().set_device(connection, use.id()));
        TRY(state.store_new_device(connection, certificate));
        TRY(take_back(connection, again));
        TRY(forget_objects_after(connection, old, common));
        for (uint64_t number = common + 1; number <= last; number++) {
            TRY(connection.run("DELETE FROM sync_outgoing WHERE path = ?1", change_path(old, number)));
        }
        TRY(connection.run("DELETE FROM sync_carrier_heads WHERE device = ?1", old.view()));
        return connection.run("UPDATE sync_carriers SET head_counter = 0, head_size = 0, head_put_ms = 0, head = x''");
    }));
    CRASH_POINT("copy: recorded");
    state.become(std::move(keys), std::move(certificate));
    for (uint64_t number = common + 1; number <= last; number++) TRY(state.mirror().remove(change_path(old, number)));
    return state.ensure_device_entry();
}

}  // namespace bae::sync
