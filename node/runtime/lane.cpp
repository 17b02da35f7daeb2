#include "node/runtime/lane.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>

#include "node/cli/holds.h"
#include "node/cli/sync_round.h"
#include "node/output/escape.h"
#include "sync/unsealed.h"

namespace bae::node {
namespace {

Rhythm rhythm_of(LaneKind kind, const Config& config) {
    return {.poll_ms = kind == LaneKind::rows ? int64_t{config.node_poll_s} * 1000 : 0};
}

double chance() {
    static std::minstd_rand source{std::random_device{}()};
    return std::uniform_real_distribution<double>(0, 1)(source);
}

LaneReport report_of(const sync::SyncReport& rows) {
    LaneReport report{.moved = rows.sent_transactions > 0 || rows.received_transactions > 0,
                      .text = fmt::format("received {} changes ({} rows), sent {}", rows.received_transactions,
                                          rows.received_rows, rows.sent_transactions)};
    report.object.count("sent", rows.sent_transactions)
        .count("received", rows.received_transactions)
        .count("rows_received", rows.received_rows);
    for (const sync::Hold& hold : rows.holds) report.waiting.push_back(text_of(hold));
    return report;
}

LaneReport report_of(const BlobReport& blobs, LaneKind kind) {
    const bool waits = blobs.waiting > 0 || blobs.elsewhere;
    LaneReport report{.end = waits ? Schedule::End::waits : Schedule::End::done,
                      .moved = blobs.sent > 0 || blobs.fetched > 0};
    report.text = kind == LaneKind::audio ? fmt::format("sent {} files", blobs.sent)
                                          : fmt::format("received {} pictures, sent {}", blobs.fetched, blobs.sent);
    report.object.count("blobs_sent", blobs.sent)
        .count("artwork_received", blobs.fetched)
        .count("blobs_waiting", blobs.waiting);
    report.waiting = blobs.refused;
    report.waiting.insert(report.waiting.end(), blobs.kept.begin(), blobs.kept.end());
    if (blobs.elsewhere) report.waiting.emplace_back("another process is sending the audio of this library");
    return report;
}

}  // namespace

std::string_view to_string(LaneKind kind) {
    return kind == LaneKind::rows ? "rows" : kind == LaneKind::artwork ? "artwork" : "audio";
}

Lane::Lane(LaneKind kind, const Config& config, Environment environment, AskPassphrase ask)
    : kind_(kind),
      config_(config),
      environment_(environment),
      ask_(std::move(ask)),
      schedule_(rhythm_of(kind, config), chance),
      out_(Output::Format::people, true) {
    out_.listen([this](const Progress& at) {
        const std::lock_guard lock(mutex_);
        progress_ = {std::string(at.phase), at.done, at.total, at.bytes, at.total_bytes};
    });
}

void Lane::reconfigure(const Config& config) {
    const std::lock_guard lock(mutex_);
    config_ = config;
    schedule_.set_rhythm(rhythm_of(kind_, config));
    stale_ = true;
}

void Lane::open_session() {
    if (stale_.exchange(false)) session_.reset();
    if (session_) return;
    const std::lock_guard lock(mutex_);
    session_ = std::make_unique<Session>(out_, config_, environment_);
    session_->ask_passphrase_with(ask_);
}

LaneReport Lane::run() {
    open_session();
    Result<LaneReport> report = run_kind();
    if (report) return std::move(*report);
    session_.reset();
    return {.end = Schedule::End::trouble, .error = report.error().message, .error_kind = report.error().kind};
}

Result<LaneReport> Lane::run_kind() {
    const bool local = TRY(session_->carrier_url()).empty();
    if (kind_ == LaneKind::rows) return local ? seal() : run_rows();
    return local ? Result<LaneReport>(LaneReport()) : run_blobs();
}

Result<LaneReport> Lane::run_rows() {
    const sync::SyncReport rows = TRY(sync_rows(*session_, false));
    TRY(audit_when_due(*session_, rows));
    TRY(session_->remember_carrier());
    return report_of(rows);
}

Result<LaneReport> Lane::seal() {
    const bool unsealed = TRY(sync::newest_unsealed(*TRY(TRY(session_->database())->read()))) > 0;
    TRY(TRY(session_->replica())->seal());
    LaneReport report{.moved = unsealed,
                      .text =
                          "what was changed is in the mirror folder; this library has no bucket (`bae bucket use "
                          "URL`)"};
    report.object.boolean("mirror_only", true);
    return report;
}

Result<LaneReport> Lane::run_blobs() {
    BlobRound round = TRY(blob_round(*session_));
    round.artwork = kind_ == LaneKind::artwork;
    round.audio = kind_ == LaneKind::audio;
    round.stop = [this] { return stale_.load(); };
    return report_of(TRY(sync_blobs(round)), kind_);
}

std::vector<std::string> Lane::ended(const LaneReport& report, int64_t now_ms) {
    {
        const std::lock_guard lock(mutex_);
        progress_ = {};
    }
    error_ = report.error;
    if (report.end == Schedule::End::trouble) return {};
    if (report.end == Schedule::End::done) last_done_ms_ = now_ms;
    std::vector<std::string> fresh;
    for (const std::string& reason : report.waiting) {
        if (std::find(waiting_.begin(), waiting_.end(), reason) == waiting_.end()) fresh.push_back(reason);
    }
    waiting_ = report.waiting;
    return fresh;
}

LaneState Lane::state(int64_t steady_now, int64_t now_ms) {
    const char* state = schedule_.running()                            ? "running"
                        : schedule_.in_trouble()                       ? "trouble"
                        : schedule_.in_vain() > 0 || !waiting_.empty() ? "waiting"
                                                                       : "idle";
    if (shown_state_ != state) since_ms_ = now_ms;
    shown_state_ = state;
    const std::optional<int64_t> next = schedule_.next();
    const std::lock_guard lock(mutex_);
    return {.name = std::string(to_string(kind_)),
            .state = state,
            .since_ms = since_ms_,
            .next_ms = next ? now_ms + std::max<int64_t>(*next - steady_now, 0) : 0,
            .last_done_ms = last_done_ms_,
            .in_vain = schedule_.in_vain(),
            .error = error_,
            .progress = schedule_.running() ? progress_ : LaneProgress()};
}

}  // namespace bae::node
