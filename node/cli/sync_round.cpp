#include "node/cli/sync_round.h"

#include "node/blobs/workers.h"
#include "node/interrupt.h"

namespace bae::node {

static sync::SyncOptions options_of(Session& session, bool mend_clock) {
    return {.on_progress =
                [&out = session.out()](const sync::SyncProgress& at) { out.progress(at.phase, at.done, at.total); },
            .cancelled = interrupted,
            .mend_clock = mend_clock,
            .run_parallel =
                [workers = session.config().bucket_workers](std::vector<std::function<void()>> tasks) {
                    run_work({.count = tasks.size(), .threads = workers, .run = [&](size_t i) { tasks[i](); }});
                }};
}

Result<sync::SyncReport> sync_rows(Session& session, bool mend_clock) {
    Carrier* carrier = TRY(session.carrier());
    sync::Replica* replica = TRY(session.replica());
    sync::SyncOptions options = options_of(session, mend_clock);
    options.creates_race = carrier->creates_race();
    Result<sync::SyncReport> rows = replica->sync(carrier->bucket(), carrier->url(), options);
    session.out().end_progress();
    return rows;
}

Result<BlobRound> blob_round(Session& session) {
    Carrier* carrier = TRY(session.carrier());
    return BlobRound{.database = *TRY(session.database()),
                     .replica = *TRY(session.replica()),
                     .bucket = &carrier->bucket(),
                     .carrier_url = carrier->url(),
                     .home = TRY(session.paths()),
                     .device = TRY(session.record()).device,
                     .workers = session.config().bucket_workers,
                     .out = session.out()};
}

}  // namespace bae::node
