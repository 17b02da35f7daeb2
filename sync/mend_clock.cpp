#include <fmt/format.h>

#include "sync/replay.h"
#include "sync/round.h"

namespace bae::sync {

// Asked for by a person after setting the clock. What was sealed may have been sent, and stamps that were sent stay.
Result<void> Round::mend_clock() {
    if (clock_wrong_) return {};
    const auto mended = state_.database().restamp_unsent(
        [&](const std::function<Result<void>(std::span<const IncomingObject>)>& apply) { return rebuild(apply); });
    if (mended || clock_wrong_) return {};
    return tl::unexpected(mended.error());
}

// Nobody can seal or merge meanwhile: what is read now is all that the rebuilt state must hold. Refuses, with
// clock_wrong_, if what was sealed is dated ahead.
Result<void> Round::rebuild(const std::function<Result<void>(std::span<const IncomingObject>)>& apply) {
    const LibraryRow row = TRY(own_row());
    if (TRY(sealed_dated_ahead(row))) {
        clock_wrong_ = true;
        hold("clock",
             {HoldReason::own_clock, "changes dated ahead were sent already; they count when their time comes"});
        return fail(ErrorKind::conflict, "changes dated ahead were sent already");
    }
    std::vector<StreamPosition> streams = TRY(state_.database().positions());
    streams.push_back({state_.self(), row.sealed_number, row.sealed_hash, std::nullopt});
    uint64_t done = 0, total = 0;
    for (const StreamPosition& stream : streams) total += stream.number;
    for (const StreamPosition& stream : streams) {
        TRY(replay_stream(state_, stream.device, stream.number, [&](const IncomingObject& object) {
            progress("rebuilding", done++, total);
            return apply(std::span(&object, 1));
        }));
    }
    return {};
}

Result<LibraryRow> Round::own_row() const {
    auto reader = TRY(state_.database().read());
    return state_.current_row(*reader);
}

Result<bool> Round::sealed_dated_ahead(const LibraryRow& row) const {
    if (row.sealed_number == 0) return false;
    const MirrorChange newest = TRY(read_mirror_change(state_, state_.self(), row.sealed_number));
    return newest.change.transactions.back().stamp.ms - now_ms_ > kMaxAheadMs;
}

}  // namespace bae::sync
