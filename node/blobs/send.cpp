#include "node/blobs/send.h"

#include <fmt/format.h>

#include <chrono>
#include <set>
#include <span>

#include "node/blobs/availability.h"
#include "node/blobs/carrier_health.h"
#include "node/blobs/outgoing.h"
#include "node/blobs/tasks.h"
#include "node/blobs/workers.h"
#include "node/interrupt.h"
#include "node/output/escape.h"
#include "node/round_lock.h"

namespace bae::node {
namespace {

constexpr size_t kBatch = 64;
constexpr size_t kMostKept = 5;
constexpr auto kRecordEvery = std::chrono::seconds(1);

// The queue of one kind, once through.
class Pass {
  public:
    Pass(const BlobRound& round, BlobLedger& ledger, BlobKind kind, std::vector<QueueEntry> queue, BlobReport& report)
        : round_(round), ledger_(ledger), kind_(kind), queue_(std::move(queue)), report_(report) {
        for (const QueueEntry& entry : queue_) total_bytes_ += entry.size;
    }

    Result<void> run() {
        run_work({.threads = round_.workers,
                  .run = [this](size_t i) { work(tasks_.at(i)); },
                  .done = [this](size_t i) { collect(i); },
                  .more = [this] { return more(); },
                  .tick = [this] { tick(); },
                  .stop = [this] { return health_.verdict() || interrupted() || stopped(); }});
        record();
        TRY(recorded_);
        if (interrupted()) return fail(ErrorKind::cancelled, "interrupted");
        report_.stopped = stopped();
        return judged();
    }

  private:
    bool stopped() const { return round_.stop && round_.stop(); }

    // A carrier that takes nothing may still be read from.
    Result<void> judged() {
        const std::optional<Error> verdict = health_.verdict();
        if (!verdict) return {};
        if (verdict->kind != ErrorKind::denied) return tl::unexpected<Error>(*verdict);
        report_.waiting += queue_.size() - done_;
        report_.own_waiting += queue_.size() - done_;
        return {};
    }

    size_t more() {
        while (recorded_ && next_ < queue_.size()) {
            const auto batch = std::span(queue_).subspan(next_, std::min(kBatch, queue_.size() - next_));
            next_ += batch.size();
            const Result<size_t> added = add(batch);
            if (!added) recorded_ = tl::unexpected<Error>(added.error());
            if (added && *added > 0) return *added;
        }
        return 0;
    }

    Result<size_t> add(std::span<const QueueEntry> batch) {
        std::vector<QueuedBlob> queued = TRY(ledger_.load(kind_, batch));
        for (QueuedBlob& one : queued) tasks_.add(TRY(prepare(std::move(one))));
        return queued.size();
    }

    Result<Outgoing> prepare(QueuedBlob queued) {
        Outgoing task{.queued = std::move(queued)};
        std::string reason = task.queued.unsound;
        task.outcome.up = reason.empty() || kind_ == BlobKind::file;
        if (reason.empty()) {
            Result<crypto::BlobKey> key = key_of(round_.replica, task.queued.blob);
            if (key)
                task.key = std::move(*key);
            else
                reason = key.error().message;
        }
        task.outcome = outcome_of(task, BlobOutcome::State::waiting, reason);
        if (kind_ == BlobKind::image && task.key)
            task.absence = TRY(absence_of(*TRY(round_.database.read()), round_.device, task.queued.blob.author));
        return task;
    }

    void work(Outgoing& task) {
        FileMeter meter(bytes_, task.queued.blob.size);
        if (!task.key) return;
        carry_out(*round_.bucket, round_.home, task, meter);
        if (task.carrier_error)
            health_.failed(*task.carrier_error);
        else if (task.answered)
            health_.succeeded();
    }

    void collect(size_t index) {
        Outgoing& task = tasks_.at(index);
        ++done_;
        last_name_ = task.queued.blob.name;
        const bool cut_short = task.carrier_error && task.carrier_error->kind == ErrorKind::cancelled;
        if (!cut_short) {
            count(task);
            outcomes_.push_back(std::move(task.outcome));
        }
        tasks_.drop(index);
        if (outcomes_.size() >= kBatch) record();
    }

    void count(const Outgoing& task) {
        const BlobOutcome& outcome = task.outcome;
        if (outcome.state == BlobOutcome::State::refused) report_.refused.push_back(outcome.reason);
        if (outcome.state == BlobOutcome::State::carried) report_.sent += task.moved ? 1 : 0;
        if (outcome.state == BlobOutcome::State::fetched) ++report_.fetched;
        if (outcome.state != BlobOutcome::State::waiting) return;
        ++report_.waiting;
        if (!outcome.up) return;
        ++report_.own_waiting;
        if (report_.kept.size() < kMostKept)
            report_.kept.push_back(fmt::format("{}: {}", shown(outcome.blob.name), shown(outcome.reason)));
    }

    void tick() {
        round_.out.progress({.phase = kind_ == BlobKind::image ? "artwork" : "audio",
                             .done = done_,
                             .total = queue_.size(),
                             .bytes = bytes_,
                             .total_bytes = total_bytes_,
                             .detail = last_name_});
        if (std::chrono::steady_clock::now() - recorded_at_ >= kRecordEvery) record();
    }

    // Not for each file alone: a transaction costs more than a small file.
    void record() {
        const std::vector<BlobOutcome> outcomes = std::exchange(outcomes_, {});
        if (recorded_) recorded_ = ledger_.record(outcomes);
        recorded_at_ = std::chrono::steady_clock::now();
    }

    const BlobRound& round_;
    BlobLedger& ledger_;
    const BlobKind kind_;
    const std::vector<QueueEntry> queue_;
    BlobReport& report_;
    size_t next_ = 0;
    Tasks<Outgoing> tasks_;
    CarrierHealth health_;
    std::vector<BlobOutcome> outcomes_;
    Result<void> recorded_;
    std::chrono::steady_clock::time_point recorded_at_ = std::chrono::steady_clock::now();
    std::string last_name_;
    uint64_t done_ = 0, total_bytes_ = 0;
    std::atomic<uint64_t> bytes_ = 0;
};

class Sending {
  public:
    explicit Sending(const BlobRound& round) : round_(round), ledger_(round.database, round.carrier_url) {}

    Result<BlobReport> run() {
        TRY(ledger_.set_apart());
        if (round_.artwork) TRY(pass(BlobKind::image));
        if (round_.audio && !report_.stopped) TRY(send_audio());
        return report_;
    }

  private:
    Result<void> send_audio() {
        if (TRY(ledger_.queue(BlobKind::file)).empty()) return {};
        const std::shared_ptr<void> lock = TRY(try_lock_blobs(round_.home));
        report_.elsewhere = !lock;
        while (lock && !report_.stopped && TRY(pass(BlobKind::file))) {
        }
        return {};
    }

    // False: nothing was queued that this round has not tried.
    Result<bool> pass(BlobKind kind) {
        std::vector<QueueEntry> queue = TRY(ledger_.queue(kind));
        std::erase_if(queue, [this](const QueueEntry& entry) { return !tried_.insert(entry.row_id).second; });
        if (queue.empty()) return false;
        const Result<void> done = Pass(round_, ledger_, kind, std::move(queue), report_).run();
        round_.out.end_progress();
        TRY(Result<void>(done));
        return true;
    }

    const BlobRound& round_;
    BlobLedger ledger_;
    BlobReport report_;
    std::set<std::string> tried_;
};

}  // namespace

Result<BlobReport> sync_blobs(const BlobRound& round) { return Sending(round).run(); }

}  // namespace bae::node
