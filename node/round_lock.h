#pragma once
// One process of a home syncs at a time, what sync::ReplicaOptions::lock_round asks for: `sync.lock` in the home,
// locked until what is returned is dropped, or the process ends. The others say that they wait and for what. Everything
// but syncing goes on meanwhile.
#include <memory>

#include "node/home.h"
#include "node/output/output.h"
#include "sync/replica.h"

namespace bae::node {

// cancelled: by an interrupt, or by the options, while another process had it.
Result<std::shared_ptr<void>> lock_round(const HomePaths& home, Output& out, const sync::SyncOptions& options);

// One process of a home sends audio at a time: `blobs.lock`, held as the above. Null: another process has it. Nobody
// waits for it, and rounds do not need it.
Result<std::shared_ptr<void>> try_lock_blobs(const HomePaths& home);

}  // namespace bae::node
