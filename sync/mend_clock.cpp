#include <fmt/format.h>

#include "sync/replay.h"
#include "sync/round.h"

namespace bae::sync {

// Asked for by a person after setting the clock. What was sealed may have been sent, and stamps that were sent stay.
Result<void> Round::mend_clock() {
    if (clock_wrong_) return {};
    if (TRY(sealed_dated_ahead())) {
        clock_wrong_ = true;
        hold("clock",
             {HoldReason::own_clock, "changes dated ahead were sent already; they count when their time comes"});
        return {};
    }
    TRY(state_.database().restamp_unsent(
        [&](const std::function<Result<void>(std::span<const IncomingObject>)>& apply) -> Result<void> {
            for (const auto& [device, position] : positions_)
                TRY(replay_stream(state_, device, position.number, apply));
            return replay_stream(state_, state_.self(), state_.row().sealed_number, apply);
        }));
    return {};
}

Result<bool> Round::sealed_dated_ahead() {
    const LibraryRow& row = state_.row();
    if (row.sealed_number == 0) return false;
    const ChangeObject newest = TRY(read_mirror_change(state_, state_.self(), row.sealed_number));
    return newest.transactions.back().stamp.ms - now_ms_ > kMaxAheadMs;
}

}  // namespace bae::sync
