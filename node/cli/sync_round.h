#pragma once
// The parts of a sync, for `bae sync` and the daemon: rows, then blobs (sync_blobs), through the carrier in use.
#include "node/blobs/send.h"
#include "node/cli/session.h"

namespace bae::node {

// Ends when the round did, or an interrupt came; not_found: there is no carrier.
Result<sync::SyncReport> sync_rows(Session& session, bool mend_clock);
// What is opened for it is the session's.
Result<BlobRound> blob_round(Session& session);

}  // namespace bae::node
