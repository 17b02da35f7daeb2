#include "node/runtime/node_state.h"

#include <fmt/format.h>

#include <array>
#include <ctime>
#include <nlohmann/json.hpp>

#include "node/files.h"
#include "node/output/escape.h"
#include "node/output/rate.h"

namespace bae::node {
namespace {

constexpr size_t kMostBytes = 1 << 16;

JsonObject json_of(const LaneState& lane) {
    const LaneProgress& at = lane.progress;
    JsonObject json;
    json.text("state", lane.state)
        .integer("since_ms", lane.since_ms)
        .integer("next_ms", lane.next_ms)
        .integer("last_done_ms", lane.last_done_ms)
        .integer("in_vain", lane.in_vain)
        .text("error", lane.error);
    if (at.phase.empty()) return json.null("progress");
    return json.object("progress", JsonObject()
                                       .text("phase", at.phase)
                                       .count("done", at.done)
                                       .count("total", at.total)
                                       .count("bytes", at.bytes)
                                       .count("total_bytes", at.total_bytes));
}

LaneProgress progress_of(const nlohmann::json& lane) {
    const auto json = lane.find("progress");
    if (json == lane.end() || json->is_null()) return {};
    return {.phase = json->value("phase", ""),
            .done = json->value("done", uint64_t{0}),
            .total = json->value("total", uint64_t{0}),
            .bytes = json->value("bytes", uint64_t{0}),
            .total_bytes = json->value("total_bytes", uint64_t{0})};
}

LaneState lane_of(const std::string& name, const nlohmann::json& json) {
    return {.name = name,
            .state = json.value("state", ""),
            .since_ms = json.value("since_ms", int64_t{0}),
            .next_ms = json.value("next_ms", int64_t{0}),
            .last_done_ms = json.value("last_done_ms", int64_t{0}),
            .in_vain = json.value("in_vain", int64_t{0}),
            .error = json.value("error", ""),
            .progress = progress_of(json)};
}

NodeState state_of(const nlohmann::json& json) {
    NodeState state{.node = {.pid = json.value("pid", int64_t{0}), .since_ms = json.value("since_ms", int64_t{0})},
                    .version = json.value("version", ""),
                    .stopping = json.value("stopping", false),
                    .lanes = {}};
    for (const char* name : {"rows", "artwork", "audio"}) {
        if (json.contains(name)) state.lanes.push_back(lane_of(name, json.at(name)));
    }
    return state;
}

Result<NodeState> parse_state(const std::string& text) {
    try {
        return state_of(nlohmann::json::parse(text));
    } catch (const nlohmann::json::exception& error) {
        return fail(ErrorKind::corrupt, error.what());
    }
}

std::string time_text(int64_t ms) {
    const time_t seconds = static_cast<time_t>(ms / 1000);
    tm local{};
    localtime_r(&seconds, &local);
    std::array<char, 32> text{};
    std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &local);
    return text.data();
}

std::string line_of(const LaneState& lane) {
    std::string line = fmt::format("  {:<8} {}", lane.name, lane.state);
    const LaneProgress& at = lane.progress;
    if (!at.phase.empty()) line += fmt::format(", {} {} of {}", shown(at.phase), at.done, at.total);
    if (at.total_bytes > 0) line += fmt::format(", {} of {}", size_text(at.bytes), size_text(at.total_bytes));
    if (lane.next_ms > 0) line += ", next at " + time_text(lane.next_ms);
    if (!lane.error.empty()) line += ": " + shown(lane.error);
    return line;
}

}  // namespace

JsonObject json_of(const NodeState& state) {
    JsonObject json;
    json.integer("pid", state.node.pid)
        .integer("since_ms", state.node.since_ms)
        .text("version", state.version)
        .boolean("stopping", state.stopping);
    for (const LaneState& lane : state.lanes) json.object(lane.name, json_of(lane));
    return json;
}

std::vector<std::string> lines_of(const NodeState& state) {
    std::vector<std::string> lines{fmt::format("daemon: process {} since {}{}", state.node.pid,
                                               time_text(state.node.since_ms), state.stopping ? ", stopping" : "")};
    for (const LaneState& lane : state.lanes) {
        if (lane.state != "idle" || lane.name == "rows") lines.push_back(line_of(lane));
    }
    return lines;
}

// Without fsync, because after a crash no daemon runs, and what is here means nothing.
Result<void> write_node_state(const HomePaths& home, const NodeState& state) {
    std::filesystem::path fresh = home.node_state();
    fresh += ".new";
    {
        File file = TRY(File::open_to_append(fresh));
        TRY(file.truncate(0));
        TRY(file.write(0, as_bytes(json_of(state).line() + "\n")));
    }
    return rename_file(fresh, home.node_state());
}

Result<std::optional<NodeState>> read_node_state(const HomePaths& home) {
    const std::optional<RunningNode> running = TRY(NodeLock::holder(home));
    if (!running) return std::optional<NodeState>();
    NodeState state{.node = *running, .version = {}, .lanes = {}};
    const Result<std::string> text = read_small_file(home.node_state(), kMostBytes);
    if (!text) return std::optional(state);
    const Result<NodeState> written = parse_state(*text);  // corrupt: of a daemon that died
    if (written && written->node.pid == running->pid && written->node.since_ms == running->since_ms) state = *written;
    return std::optional(state);
}

}  // namespace bae::node
