#include <fmt/format.h>

#include "node/blobs/ledger.h"
#include "node/cli/commands.h"
#include "node/cli/holds.h"
#include "node/cli/prompt.h"
#include "node/cli/sync_round.h"
#include "node/output/escape.h"

namespace bae::node {
namespace {

Result<void> confirm_mending(Session& session, const SyncCommand& command) {
    if (!command.mend_clock || command.yes) return {};
    const Result<bool> yes = ask_yes("Is this device's clock right now? Changes not sent yet will be dated anew.");
    if (!yes && yes.error().kind == ErrorKind::denied)
        return session.usage("--mend-clock asks first; without a terminal, add --yes once the clock is right");
    if (!TRY(Result<bool>(yes))) return fail(ErrorKind::cancelled, "nothing was changed");
    return {};
}

void print_summary(Output& out, const sync::SyncReport& rows, const BlobReport& blobs,
                   const std::optional<BlobAudit>& audit, const s3::CallCounts& calls) {
    std::vector<JsonObject> holds;
    for (const sync::Hold& hold : rows.holds) holds.push_back(json_of(hold));
    if (out.json()) {
        out.line(JsonObject()
                     .count("sent", rows.sent_transactions)
                     .count("received", rows.received_transactions)
                     .count("rows_received", rows.received_rows)
                     .count("blobs_sent", blobs.sent)
                     .count("artwork_received", blobs.fetched)
                     .count("blobs_waiting", blobs.waiting)
                     .boolean("audio_elsewhere", blobs.elsewhere)
                     .boolean("audited", audit.has_value())
                     .count("blobs_lost", audit ? audit->to_send + audit->missing : 0)
                     .count("requests", calls.total())
                     .count("bytes_sent", calls.bytes_sent)
                     .count("bytes_received", calls.bytes_received)
                     .objects("holds", holds)
                     .texts("refused", blobs.refused));
        return;
    }
    out.note(fmt::format("received {} changes ({} rows), sent {}; {} files sent, {} pictures received",
                         rows.received_transactions, rows.received_rows, rows.sent_transactions, blobs.sent,
                         blobs.fetched));
    for (const sync::Hold& hold : rows.holds) out.warn(text_of(hold));
    for (const std::string& reason : blobs.refused) out.warn(reason);
    for (const std::string& reason : blobs.kept) out.warn(reason);
    if (blobs.elsewhere) out.note("another process is sending the audio of this library; it goes on");
    if (blobs.waiting > 0) out.note(fmt::format("{} files wait; `bae status` says for what", blobs.waiting));
}

}  // namespace

namespace {

// Without a carrier: into the mirror, a copy of which is then the library.
Result<ExitCode> seal_only(Session& session) {
    TRY(TRY(session.replica())->seal());
    print_summary(session.out(), {}, {}, {}, {});
    session.out().note(
        fmt::format("This library has no place to sync through (`bae bucket use URL`). All changes are in {} now: with "
                    "a copy of that folder and a recovery code it can be restored, music files apart.",
                    shown(TRY(session.paths()).mirror().native())));
    return ExitCode::done;
}

}  // namespace

Result<ExitCode> run(Session& session, const SyncCommand& command) {
    TRY(confirm_mending(session, command));
    if (TRY(session.carrier_url()).empty() && !command.mend_clock) return seal_only(session);
    const sync::SyncReport rows = TRY(sync_rows(session, command.mend_clock));
    const std::optional<BlobAudit> audit = TRY(audit_when_due(session, rows));
    const BlobReport blobs = TRY(sync_blobs(TRY(blob_round(session))));
    TRY(session.remember_carrier());
    print_summary(session.out(), rows, blobs, audit, TRY(session.carrier())->counts());
    const bool all_sent = blobs.refused.empty() && blobs.own_waiting == 0 && !blobs.elsewhere;
    return rows.holds.empty() && all_sent ? ExitCode::done : ExitCode::partly;
}

}  // namespace bae::node
