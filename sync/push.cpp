#include <fmt/format.h>

#include "crypto/base/crash_point.h"
#include "sync/round.h"

namespace bae::sync {

namespace {

constexpr int64_t kAcknowledgeAfterMs =
    60 * 60 * 1000;  // a head that only tells what was applied is written at most this often

}  // namespace

Result<void> Round::push() {
    if (gave_up() || cancelled()) return {};
    if (may_seal()) {
        TRY(write_missing_boxes());
        TRY(seal_all());
    }
    if (clock_wrong_ || is_copy_) return {};
    TRY(send_outgoing());
    return send_head();
}

// What keeps this device from saying anything new. Every reason is a hold by now.
bool Round::may_seal() {
    const std::string stream = stream_name(state_.self());
    if (is_copy_) return false;
    if (!membership_complete_ || clock_wrong_ || !old_stream_is_read()) return false;
    if (state_.current_master() == nullptr) {
        hold(stream, {HoldReason::unknown_key, "the library's current key was not given to this device"});
        return false;
    }
    book_.release(stream);
    return true;
}

// Whoever sees a device that cannot open boxes of the identity, and no box for it, writes it.
Result<void> Round::write_missing_boxes() {
    const crypto::EpochMaster& master = *state_.current_master();
    for (const crypto::DeviceId& device : state_.membership().devices()) {
        const crypto::Certificate& certificate = *state_.membership().certificate_of(device);
        if (certificate.body().keeper || device == state_.self()) continue;
        const crypto::RecipientTag tag = crypto::recipient_tag(device);
        const std::string prefix = fmt::format("keys/{}/{}/", master.id().text(), tag.text());
        if (!TRY(state_.mirror().list(prefix, "", 1)).objects.empty()) continue;
        const auto there = carrier_.list_all(prefix);
        if (!there) return note(there.error()), Result<void>();
        if (there->empty()) TRY(state_.write_box(master, tag, certificate.body().device.sealing.view()));
        for (const s3::ObjectInfo& info : *there) {  // kept, so that the next round need not ask
            const auto path = parse_key_box_path(info.path);
            const auto box = carrier_.get(info.path, kMaxHeadBytes);
            if (path && box) TRY(state_.mirror().put(info.path, *box));
        }
    }
    return {};
}

Result<void> Round::seal_all() {
    bool wanted = false;
    {
        auto reader = TRY(state_.database().read());
        wanted = !TRY(state_.database().unsealed(*reader, 1)).empty() || needs_head(make_head());
    }
    while (wanted && !cancelled()) {
        TRY(state_.database().replicate([&](sqlite::Connection& connection) -> Result<void> {
            wanted = TRY(seal_some(connection));
            return {};
        }));
        CRASH_POINT("push: recorded");
        TRY(state_.refresh());
    }
    return {};
}

// Under the write lock, so that two processes of one home never take the same number for different things.
Result<bool> Round::seal_some(sqlite::Connection& connection) {
    state_.set_row(TRY(state_.current_row(connection)));
    CHECK(state_.certificate().device_id() == state_.self());
    auto transactions = TRY(state_.database().unsealed(connection, kObjectTargetBytes));
    CRASH_POINT("push: chosen");
    if (!transactions.empty()) {
        const Stamp& newest = transactions.back().stamp;
        if (newest.ms - now_ms_ > kMaxAheadMs) {
            clock_wrong_ = true;
            hold("clock",
                 {HoldReason::own_clock,
                  fmt::format("changes made here are dated ahead ({}): this device's clock was wrong", newest.text())});
            return false;
        }
        TRY(seal_object(connection, std::move(transactions)));
        if (!TRY(state_.database().unsealed(connection, 1)).empty()) return true;
    }
    TRY(compose_head(connection));
    return false;
}

Result<void> Round::seal_object(sqlite::Connection& connection, std::vector<OutboxTransaction> transactions) {
    const LibraryRow& row = state_.row();
    const uint64_t number = row.sealed_number + 1;
    const std::string path = change_path(state_.self(), number);
    Bytes object;
    std::optional<size_t> taken = TRY(adopt_sealed(path, transactions, object));
    if (!taken) {
        const ChangeContext context{row.sealed_hash, state_.membership().newest(), state_.database().schema_version()};
        const Bytes plaintext = TRY(encode_change_object(context, transactions));
        object = crypto::seal_object(crypto::ObjectKind::change, state_.address(path), *state_.current_master(),
                                     state_.signer(), plaintext);
        CRASH_POINT("push: sealed");
        TRY_CONTEXT(state_.mirror().put(path, object), "writing the mirror");
        taken = transactions.size();
    }
    CRASH_POINT("push: in the mirror");
    LibraryRow next = row;
    next.sealed_number = number;
    next.sealed_hash = crypto::object_hash(object);
    TRY(state_.database().mark_sealed(connection, transactions[*taken - 1].position, number, next.sealed_hash));
    TRY(store_library(connection, next));
    TRY(store_object_hash(connection, {state_.self(), number, next.sealed_hash}));
    TRY(add_outgoing_everywhere(connection, path));
    state_.set_row(std::move(next));
    return {};
}

// What the own mirror holds under a number that is not recorded was sealed before a crash and never sent. If it holds
// the beginning of what waits now, it is used as it is; anything else can be written over.
Result<std::optional<size_t>> Round::adopt_sealed(const std::string& path,
                                                  const std::vector<OutboxTransaction>& unsealed, Bytes& object) {
    const std::optional<size_t> none;
    auto kept = state_.mirror().get(path, crypto::kMaxObjectBytes);
    if (!kept) return none;
    const LibraryRow& row = state_.row();
    const auto change =
        open_change(state_.membership(), state_.keyring(),
                    {state_.self(), row.sealed_number, row.sealed_hash, std::nullopt}, *kept, kMaxStampMs);
    if (!change || change->transactions.size() > unsealed.size()) return none;
    for (size_t i = 0; i < change->transactions.size(); i++) {
        const IncomingTransaction& sealed = change->transactions[i];
        if (sealed.stamp != unsealed[i].stamp || sealed.seen != unsealed[i].seen ||
            !equal(sealed.changes, unsealed[i].changes))
            return none;
    }
    object = std::move(*kept);
    return std::optional(change->transactions.size());
}

Head Round::make_head() const {
    const LibraryRow& row = state_.row();
    Head head;
    head.counter = row.head_counter + 1;
    head.number = row.sealed_number;
    head.hash = row.sealed_hash;
    for (const auto& [device, position] : positions_) {
        if (device != state_.self() && position.number > 0)
            head.applied.push_back({device, position.number, position.hash});
    }
    head.membership = state_.membership().newest();
    head.key = current_key(state_.membership());
    head.schema_version = state_.database().schema_version();
    head.program_version = state_.options().program_version.substr(0, kMaxProgramVersionBytes);
    head.date_ms = std::max<int64_t>(local_ms_, 0);
    return head;
}

bool Round::needs_head(const Head& next) const {
    if (!carrier_row_ || !carrier_row_->head || !own_head_listed_ || own_head_damaged_) return true;
    const Head& there = *carrier_row_->head;
    const auto said = [](const Head& head) {
        return std::tie(head.number, head.hash, head.membership, head.key, head.schema_version);
    };
    if (said(there) != said(next)) return true;
    return there.applied != next.applied && next.date_ms - there.date_ms >= kAcknowledgeAfterMs;
}

// Nothing is unsealed, and nobody can commit meanwhile: digest and positions belong together.
Result<void> Round::compose_head(sqlite::Connection& connection) {
    for (StreamPosition& position : TRY(state_.database().positions()))
        positions_.insert_or_assign(position.device, position);
    Head head = make_head();
    if (!needs_head(head)) return {};
    head.digest = TRY(state_.database().digest());
    LibraryRow next = state_.row();
    next.head_counter = head.counter;
    TRY(store_library(connection, next));
    state_.set_row(std::move(next));
    next_head_ = std::move(head);
    return {};
}

Bytes Round::seal_head() const {
    return crypto::seal_object(crypto::ObjectKind::head, state_.address(head_path(state_.self())),
                               *state_.current_master(), state_.signer(), encode_head(*next_head_));
}

Result<void> Round::send_head() {
    if (!next_head_ || sending_failed_ || cancelled()) return {};
    const std::string path = head_path(state_.self());
    const Bytes object = seal_head();
    TRY_CONTEXT(state_.mirror_unsynced().put(path, object), "writing the mirror");
    CRASH_POINT("push: before head");
    const auto put = carrier_.put(path, object);
    if (!put) return note_unsent(put.error()), Result<void>();
    CRASH_POINT("push: head sent");
    carrier_row_ = CarrierRow{next_head_->counter, object.size(),
                              carrier_.clock_ms().value_or(state_.options().clock.now_ms()), *next_head_};
    dirty_carrier_ = true;
    carrier_heads_.insert_or_assign(state_.self(), CarrierHead{"", local_ms_, true});
    dirty_carrier_heads_.insert(state_.self());
    if (own_head_listed_) book_.disprove(path, AlarmReason::rolled_back);
    own_head_listed_ = true;
    next_head_.reset();
    return {};
}

}  // namespace bae::sync
