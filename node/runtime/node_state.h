#pragma once
// What the daemon does, for `bae status`: `node.json` in the home, written by the daemon at every change, believed only
// while it runs.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "node/home.h"
#include "node/output/json.h"
#include "node/runtime/node_lock.h"

namespace bae::node {

// How far a run is; `bytes` of `total_bytes` where it moves files.
struct LaneProgress {
    std::string phase;  // "receiving", "audio" ...; empty: not known
    uint64_t done = 0, total = 0, bytes = 0, total_bytes = 0;
    bool operator==(const LaneProgress&) const = default;
};
struct LaneState {
    std::string name;   // "rows", "artwork", "audio"
    std::string state;  // "idle", "running", "waiting" (some of it, for something else), "trouble"
    int64_t since_ms = 0;
    int64_t next_ms = 0;       // when it runs next; 0: when there is something to do
    int64_t last_done_ms = 0;  // when it last did all there was; 0: not yet
    int64_t in_vain = 0;       // runs in a row since that did not
    std::string error;         // of the last of these
    LaneProgress progress;     // of a run that is under way
    bool operator==(const LaneState&) const = default;
};
struct NodeState {
    RunningNode node;
    std::string version;
    bool stopping = false;
    std::vector<LaneState> lanes;
};

JsonObject json_of(const NodeState& state);
// For people, one per line, safe to show: "daemon: process 12 since ...", then what is not idle.
std::vector<std::string> lines_of(const NodeState& state);

Result<void> write_node_state(const HomePaths& home, const NodeState& state);
// Absent: no daemon runs. Without lanes: it just starts.
Result<std::optional<NodeState>> read_node_state(const HomePaths& home);

}  // namespace bae::node
