#pragma once
// The parts of a sync, for `bae sync` and the daemon: rows, then blobs (sync_blobs), through the carrier in use.
#include "node/blobs/audit.h"
#include "node/blobs/send.h"
#include "node/cli/session.h"

namespace bae::node {

// Ends when the round did, or an interrupt came; not_found: there is no carrier.
Result<sync::SyncReport> sync_rows(Session& session, bool mend_clock);
// Every seven days, and once the carrier turned out to have lost something: are the blobs this device sent still there?
// What is not is queued, said, and sent by the next round of blobs. Absent: it was not asked, or could not be.
Result<std::optional<BlobAudit>> audit_when_due(Session& session, const sync::SyncReport& rows);
// What is opened for it is the session's.
Result<BlobRound> blob_round(Session& session);

}  // namespace bae::node
