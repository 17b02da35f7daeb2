#pragma once
// The daemon: composition root and event loop. It keeps a library synced while it runs, beside any commands that use
// the library at the same time. See node/README.md for its threads.
#include <functional>

#include "node/cli/session.h"
#include "node/runtime/node_lock.h"

namespace bae::node {

struct NodeOptions {
    HomePaths home;
    Config config;
    Environment environment;
    AskPassphrase ask;                              // called from several threads
    std::function<Result<Config>()> read_settings;  // for SIGHUP
    Output& out;
};
// Runs until SIGTERM or SIGINT. The caller holds the NodeLock, taken as `self`.
Result<void> run_node(NodeOptions options, const RunningNode& self);

}  // namespace bae::node
