#pragma once
// One kind of the daemon's work, which runs beside the other kinds and never twice at a time: rows, artwork, audio. It
// has its own session with the library, so that none waits for another; what is opened stays open between runs, until
// something goes wrong or the settings or the place change.
//
// Threads: run() is for a thread of the pool, one at a time; everything else is for the event loop.
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "node/cli/session.h"
#include "node/runtime/node_state.h"
#include "node/runtime/schedule.h"

namespace bae::node {

enum class LaneKind { rows, artwork, audio };
std::string_view to_string(LaneKind kind);

// What became of one run.
struct LaneReport {
    Schedule::End end = Schedule::End::done;
    bool moved = false;                // something was sent or received
    std::string text;                  // of what moved, for people, safe to show
    JsonObject object;                 // the same: the fields of `bae sync --json`
    std::vector<std::string> waiting;  // what waits, and for what; safe to show
    std::string error;                 // of End::trouble
    ErrorKind error_kind = ErrorKind::internal;
};

class Lane {
  public:
    Lane(LaneKind kind, const Config& config, Environment environment, AskPassphrase ask);

    LaneKind kind() const { return kind_; }
    Schedule& schedule() { return schedule_; }
    void reconfigure(const Config& config);  // from the next run on; the one under way ends early
    void reopen() { stale_ = true; }         // the same, with the same settings

    LaneReport run();
    // After run(): what is remembered of it, and which of what waits was not said before.
    std::vector<std::string> ended(const LaneReport& report, int64_t now_ms);
    LaneState state(int64_t steady_now, int64_t now_ms);
    const std::string& error() const { return error_; }  // of the last run; empty: it went well

  private:
    Result<LaneReport> run_kind();
    Result<LaneReport> run_rows();
    Result<LaneReport> seal();
    Result<LaneReport> run_blobs();
    void open_session();

    const LaneKind kind_;
    std::mutex mutex_;  // of the next two
    Config config_;
    LaneProgress progress_;
    const Environment environment_;
    const AskPassphrase ask_;
    Schedule schedule_;
    std::atomic<bool> stale_ = false;
    Output out_;  // the journal speaks instead
    std::unique_ptr<Session> session_;
    std::string error_;
    std::vector<std::string> waiting_;
    int64_t last_done_ms_ = 0, since_ms_ = 0;
    std::string shown_state_;
};

}  // namespace bae::node
