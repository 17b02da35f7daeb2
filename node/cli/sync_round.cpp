#include "node/cli/sync_round.h"

#include <fmt/format.h>

#include <algorithm>

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

Result<std::optional<BlobAudit>> audit_when_due(Session& session, const sync::SyncReport& rows) {
    const std::string url = TRY(session.carrier())->url();
    // Another disk, or none: nothing can be said of what lies there.
    if (std::ranges::any_of(rows.holds, [&](const sync::Hold& hold) { return hold.subject == url; }))
        return std::optional<BlobAudit>();
    if (!rows.own_head_gone) {
        const auto reader = TRY(TRY(session.database())->read());
        if (!TRY(audit_is_due(*reader, url, sync::system_clock().now_ms()))) return std::optional<BlobAudit>();
    }
    Result<BlobAudit> audit = audit_blobs(TRY(blob_round(session)), AuditDepth::listing);
    if (!audit && audit.error().kind == ErrorKind::cancelled) return tl::unexpected<Error>(audit.error());
    if (!audit) {
        session.out().warn(fmt::format("what lies in the bucket could not be compared: {}", audit.error().message));
        return std::optional<BlobAudit>();
    }
    if (audit->to_send + audit->missing > 0)
        session.out().warn(fmt::format(
            "{} files and pictures that were sent are not in the bucket any more: {} are sent again, {} are not here",
            audit->to_send + audit->missing, audit->to_send, audit->missing));
    return std::optional<BlobAudit>(std::move(*audit));
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
