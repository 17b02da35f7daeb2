#include "node/runtime/node.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <utility>
// Asio of Boost 1.74 needs <utility> before it.
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include "node/interrupt.h"
#include "node/output/escape.h"
#include "node/runtime/journal.h"
#include "node/runtime/lane.h"
#include "node/runtime/library_watch.h"
#include "node/runtime/node_state.h"
#include "node/runtime/notify.h"
#include "node/version.h"

namespace bae::node {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;

constexpr int64_t kStopWithin_ms = 4'000;
constexpr int64_t kProgressEvery_ms = 1'000;
constexpr int64_t kLookEvery_ms = 2'000;  // where the file system tells of writes
constexpr int64_t kLookOften_ms = 100;    // after it did: a commit is seen a little after the write
constexpr int64_t kLookSoon_ms = 25;
constexpr int64_t kLookOftenFor_ms = 1'000;
constexpr int64_t kLookAlone_ms = 250;  // where it does not tell

int64_t monotonic_ms() {
    return std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

class Node {
  public:
    Node(NodeOptions options, const RunningNode& self, LibraryWatch watch)
        : options_(std::move(options)),
          self_(self),
          watch_(std::move(watch)),
          journal_(options_.out, !options_.environment("JOURNAL_STREAM")),
          notify_(options_.environment) {
        for (const LaneKind kind : {LaneKind::rows, LaneKind::artwork, LaneKind::audio})
            lanes_.push_back(std::make_unique<Lane>(kind, options_.config, options_.environment, options_.ask));
        for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1}) signals_.add(signal);
    }

    void run() {
        listen_for_signals();
        if (interrupted()) return;
        listen_for_writes();
        beat();
        if (const Result<LibraryMark> seen = watch_.mark()) mark_ = *seen;
        look();
        journal_.say(Journal::event("started").integer("pid", self_.pid),
                     fmt::format("keeping {} synced", shown(options_.home.root.native())));
        run_all();
        notify_.send("READY=1");
        io_.run();
        pool_.join();
        journal_.say(Journal::event("stopped"), "stopped");
    }

  private:
    // --- what happens

    void listen_for_signals() {
        signals_.async_wait([this](const boost::system::error_code& error, int signal) {
            if (error) return;
            if (signal == SIGHUP)
                reload();
            else if (signal == SIGUSR1)
                run_all();
            else
                return stop();
            listen_for_signals();
        });
    }

    void listen_for_writes() {
        if (watch_.descriptor() < 0) return;
        boost::system::error_code failed;
        written_.assign(dup(watch_.descriptor()), failed);
        if (!failed) wait_for_write();
    }

    void wait_for_write() {
        written_.async_wait(asio::posix::stream_descriptor::wait_read, [this](const boost::system::error_code& error) {
            if (error || stopping_) return;
            if (watch_.written()) {
                look_often_until_ = monotonic_ms() + kLookOftenFor_ms;
                if (look_timer_.expiry() > std::chrono::steady_clock::now() + milliseconds(kLookSoon_ms))
                    look_in(kLookSoon_ms);
            }
            wait_for_write();
        });
    }

    void look_in(int64_t ms) {
        look_timer_.expires_after(milliseconds(ms));
        look_timer_.async_wait([this](const boost::system::error_code& error) {
            if (!error && !stopping_) look();
        });
    }

    // Has anybody committed, and what is there to do?
    void look() {
        const Result<bool> committed = watch_.committed();
        if (committed && *committed) unseen_ = true;
        if (unseen_) compare();
        const bool often = monotonic_ms() < look_often_until_;
        look_in(often ? kLookOften_ms : written_.is_open() ? kLookEvery_ms : kLookAlone_ms);
    }

    void compare() {
        const Result<LibraryMark> seen = watch_.mark();
        if (!seen) return;
        unseen_ = false;
        const LibraryMark before = std::exchange(mark_, *seen);
        const int64_t now = monotonic_ms();
        if (mark_.carrier != before.carrier) {
            for (const auto& lane : lanes_) lane->reopen();
            return run_all();
        }
        if (mark_.newest_unsealed > 0 && mark_.newest_unsealed != before.newest_unsealed)
            lane(LaneKind::rows).schedule().wanted(now);
        if (mark_.artwork > before.artwork) lane(LaneKind::artwork).schedule().wanted(now);
        if (mark_.audio > before.audio) lane(LaneKind::audio).schedule().wanted(now);
        if (mark_ != before) plan();
    }

    void run_all() {
        for (const auto& lane : lanes_) lane->schedule().at_once(monotonic_ms());
        plan();
    }

    void reload() {
        notify_.send(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", monotonic_ms() * 1000));
        Result<Config> config = options_.read_settings();
        if (config && config->home != options_.config.home)
            config = fail(ErrorKind::invalid_input, "`home` cannot change while the daemon runs");
        if (config) {
            options_.config = *config;
            for (const auto& lane : lanes_) lane->reconfigure(*config);
            journal_.say(Journal::event("reloaded"), "the settings were read again");
            run_all();
        } else {
            journal_.complain(Journal::event("settings_refused").text("message", config.error().message),
                              fmt::format("the old settings stay: {}", shown(config.error().message)));
        }
        notify_.send("READY=1");
    }

    // --- work

    Lane& lane(LaneKind kind) { return *lanes_[static_cast<size_t>(kind)]; }
    bool working() const {
        return std::any_of(lanes_.begin(), lanes_.end(), [](const auto& lane) { return lane->schedule().running(); });
    }

    // Starts what is due and sleeps until something is.
    void plan() {
        if (stopping_) return;
        const int64_t now = monotonic_ms();
        std::optional<int64_t> soonest;
        for (const auto& lane : lanes_) {
            const std::optional<int64_t> next = lane->schedule().next();
            if (next && *next <= now)
                start(*lane);
            else if (next)
                soonest = std::min(*next, soonest.value_or(*next));
        }
        publish();
        if (!soonest) return;
        wake_timer_.expires_after(milliseconds(*soonest - now));
        wake_timer_.async_wait([this](const boost::system::error_code& error) {
            if (!error) plan();
        });
    }

    void start(Lane& lane) {
        lane.schedule().began();
        if (!telling_) tell_progress();
        asio::post(pool_, [this, &lane] {
            LaneReport report = lane.run();
            asio::post(io_, [this, &lane, report = std::move(report)] { ended(lane, report); });
        });
    }

    void ended(Lane& lane, const LaneReport& report) {
        const bool was_well = lane.error().empty();
        const bool same_error = report.error == lane.error();
        const std::vector<std::string> waiting = lane.ended(report, sync::system_clock().now_ms());
        const bool more = report.end == Schedule::End::done && queued(lane.kind());
        lane.schedule().ended(monotonic_ms(), more ? Schedule::End::waits : report.end);
        if (report.end == Schedule::End::trouble) {
            if (!same_error && report.error_kind != ErrorKind::cancelled) tell_trouble(lane, report);
        } else {
            tell_done(lane, report, waiting);
            if (!was_well) recovered(lane);
        }
        if (stopping_) return finish_stop();
        plan();
    }

    // What came to be queued while a run was ending.
    bool queued(LaneKind kind) {
        const Result<LibraryMark> seen = watch_.mark();
        if (kind == LaneKind::rows || !seen || seen->carrier.empty()) return false;
        return (kind == LaneKind::artwork ? seen->artwork : seen->audio) > 0;
    }

    // Where one comes through again, so will the others.
    void recovered(const Lane& which) {
        journal_.say(Journal::event("recovered").text("lane", to_string(which.kind())),
                     fmt::format("{}: works again", to_string(which.kind())));
        for (const auto& lane : lanes_) {
            if (lane->schedule().in_trouble()) lane->schedule().at_once(monotonic_ms());
        }
    }

    void tell_done(const Lane& lane, const LaneReport& report, const std::vector<std::string>& waiting) {
        const std::string_view name = to_string(lane.kind());
        if (report.moved) {
            JsonObject object = Journal::event("synced").text("lane", name).object("report", report.object);
            journal_.say(object, report.text);
        }
        for (const std::string& reason : waiting)
            journal_.complain(Journal::event("waiting").text("lane", name).text("message", reason), reason);
    }

    void tell_trouble(Lane& lane, const LaneReport& report) {
        const int64_t pause_ms = std::max<int64_t>(lane.schedule().next().value_or(0) - monotonic_ms(), 0);
        journal_.complain(Journal::event("trouble")
                              .text("lane", to_string(lane.kind()))
                              .text("message", report.error)
                              .integer("next_in_ms", pause_ms),
                          fmt::format("{}: {}; next try in {} s", to_string(lane.kind()), shown(report.error),
                                      (pause_ms + 999) / 1000));
    }

    // --- what others see

    void publish() {
        const int64_t steady = monotonic_ms(), now = sync::system_clock().now_ms();
        NodeState state{.node = self_, .version = kVersion, .stopping = stopping_, .lanes = {}};
        for (const auto& lane : lanes_) state.lanes.push_back(lane->state(steady, now));
        if (std::exchange(published_, state.lanes) == state.lanes && !stopping_) return;
        static_cast<void>(write_node_state(options_.home, state));  // on a full disk `status` knows less
        notify_.status(status_text(state));
    }

    void tell_progress() {
        telling_ = true;
        progress_timer_.expires_after(milliseconds(kProgressEvery_ms));
        progress_timer_.async_wait([this](const boost::system::error_code& error) {
            telling_ = false;
            if (error || stopping_ || !working()) return;
            publish();
            tell_progress();
        });
    }

    static std::string status_text(const NodeState& state) {
        std::string text;
        for (const LaneState& lane : state.lanes) {
            if (lane.state == "idle") continue;
            text += (text.empty() ? "" : ", ") + lane.name + " " + lane.state;
        }
        return text.empty() ? "idle" : text;
    }

    // Tells systemd that the loop turns.
    void beat() {
        if (notify_.watchdog_ms() <= 0) return;
        notify_.send("WATCHDOG=1");
        beat_timer_.expires_after(milliseconds(std::max<int64_t>(notify_.watchdog_ms() / 2, 1)));
        beat_timer_.async_wait([this](const boost::system::error_code& error) {
            if (!error) beat();
        });
    }

    // --- the end

    // From here on a second signal ends the process as usual.
    void stop() {
        interrupt();
        stopping_ = true;
        signals_.clear();
        notify_.send("STOPPING=1");
        journal_.say(Journal::event("stopping"), "stopping");
        publish();
        if (!working()) return io_.stop();
        wake_timer_.expires_after(milliseconds(kStopWithin_ms));
        wake_timer_.async_wait([this](const boost::system::error_code& error) {
            if (!error) leave();
        });
    }

    void finish_stop() {
        if (!working()) io_.stop();
    }

    // Storage that does not answer holds a thread. Whatever the instant, nothing committed is lost by going now.
    [[noreturn]] void leave() {
        journal_.complain(Journal::event("left").text("message", "work under way did not end in time"),
                          "work under way did not end in time; it is done again by the next start");
        _exit(0);
    }

    NodeOptions options_;
    const RunningNode self_;
    LibraryWatch watch_;
    Journal journal_;
    const Notify notify_;
    std::vector<std::unique_ptr<Lane>> lanes_;  // in the order of LaneKind
    LibraryMark mark_;
    std::vector<LaneState> published_;
    int64_t look_often_until_ = 0;
    bool telling_ = false;  // the progress of what runs
    bool unseen_ = false;   // somebody committed, and what could not be read yet
    bool stopping_ = false;

    asio::io_context io_{1};
    asio::signal_set signals_{io_};
    asio::steady_timer wake_timer_{io_}, look_timer_{io_}, beat_timer_{io_}, progress_timer_{io_};
    asio::posix::stream_descriptor written_{io_};
    asio::thread_pool pool_{3};
};

}  // namespace

Result<void> run_node(NodeOptions options, const RunningNode& self) {
    std::signal(SIGPIPE, SIG_IGN);  // who reads what is said may go
    LibraryWatch watch = TRY(LibraryWatch::open(options.home));
    Node(std::move(options), self, std::move(watch)).run();
    return {};
}

}  // namespace bae::node
