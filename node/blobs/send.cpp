#include "node/blobs/send.h"

#include <fmt/format.h>

#include <atomic>

#include "crypto/base/crash_point.h"
#include "node/blobs/artwork.h"
#include "node/blobs/availability.h"
#include "node/blobs/ledger.h"
#include "node/blobs/sealed_file.h"
#include "node/blobs/workers.h"
#include "node/interrupt.h"
#include "node/output/escape.h"

namespace bae::node {
namespace {

constexpr size_t kBatch = 64;

struct Task {
    QueuedBlob queued;
    std::optional<crypto::BlobKey> key;
    std::string absence;  // what to say if nobody has the bytes
    BlobOutcome outcome;
    std::optional<Error> carrier_error;
};

BlobOutcome outcome_of(const Task& task, BlobOutcome::State state, std::string reason = {}) {
    BlobOutcome outcome{.blob = task.queued.blob,
                        .blob_id = task.key ? task.key->id().text() : task.queued.blob.row_id,
                        .state = state,
                        .reason = std::move(reason)};
    if (state == BlobOutcome::State::refused) outcome.path = task.queued.path;
    return outcome;
}

// The bytes of a blob follow from its id, so what lies there with the right size is taken for it; `get` verifies.
Result<void> put_blob(s3::Bucket& bucket, const std::string& path, s3::Body& body) {
    const Result<s3::ObjectInfo> there = bucket.stat(path);
    if (there && there->size == body.size()) return {};
    CRASH_POINT("blobs: sealed, not sent");
    if (there) return bucket.put(path, body);
    if (there.error().kind != ErrorKind::not_found) return tl::unexpected<Error>(there.error());
    TRY(bucket.put_if_absent(path, body));
    CRASH_POINT("blobs: sent, not recorded");
    return {};
}

Result<void> send_image(s3::Bucket& bucket, const Task& task, ByteView plain) {
    const Bytes sealed = TRY(sealed_artwork(*task.key, plain));
    s3::MemoryBody body(sealed);
    return put_blob(bucket, blob_path(BlobKind::image, task.key->id()), body);
}

class Round {
  public:
    explicit Round(const BlobRound& round) : round_(round), ledger_(round.database, round.carrier->url()) {}

    Result<BlobReport> run() {
        TRY(ledger_.set_apart());
        total_ = TRY(BlobLedger::queued(*TRY(round_.database.read())));
        if (total_ == 0) return report_;
        for (const BlobKind kind : {BlobKind::image, BlobKind::file}) {
            std::string after;
            while (TRY(run_batch(kind, after))) {
            }
        }
        round_.out.end_progress();
        return report_;
    }

  private:
    // False: the queue has no more of this kind.
    Result<bool> run_batch(BlobKind kind, std::string& after) {
        std::vector<QueuedBlob> queued = TRY(ledger_.batch(kind, after, kBatch));
        if (queued.empty()) return false;
        after = queued.back().blob.row_id;
        std::vector<Task> tasks;
        for (QueuedBlob& one : queued) tasks.push_back(TRY(prepare(std::move(one))));
        stop_ = false;
        run_work({.count = tasks.size(),
                  .threads = round_.workers,
                  .run = [&](size_t i) { carry_out(tasks[i]); },
                  .done =
                      [&](size_t i) {
                          ++done_;
                          round_.out.progress(kind == BlobKind::image ? "artwork" : "audio", done_, total_,
                                              tasks[i].queued.blob.name);
                      },
                  .stop = [this] { return stop_ || interrupted(); }});
        TRY(finish(tasks));
        return true;
    }

    Result<Task> prepare(QueuedBlob queued) {
        Task task{.queued = std::move(queued)};
        if (!task.queued.unsound.empty()) {
            task.outcome = outcome_of(task, BlobOutcome::State::waiting, task.queued.unsound);
            task.outcome.up = task.queued.blob.kind == BlobKind::file;
            return task;
        }
        Result<crypto::BlobKey> key = key_of(round_.replica, task.queued.blob);
        task.outcome = outcome_of(task, BlobOutcome::State::waiting, key ? std::string() : key.error().message);
        if (key) task.key = std::move(*key);
        task.outcome.blob_id = task.key ? task.key->id().text() : task.queued.blob.row_id;
        if (task.queued.blob.kind == BlobKind::image) {
            const auto reader = TRY(round_.database.read());
            task.absence = TRY(absence_of(*reader, round_.device, task.queued.blob.author));
        }
        return task;
    }

    void carry_out(Task& task) {
        if (!task.key) return;
        const bool image = task.queued.blob.kind == BlobKind::image;
        const Result<BlobOutcome> done = image ? image_outcome(task) : file_outcome(task);
        if (done) {
            task.outcome = *done;
            return;
        }
        task.outcome.reason = done.error().message;
        task.carrier_error = done.error();
        stop_ = true;
    }

    // Errors are the carrier's; what is wrong with the file is an outcome.
    Result<BlobOutcome> file_outcome(const Task& task) {
        if (task.queued.carried) return outcome_of(task, BlobOutcome::State::carried);
        Result<SealedFile> body = SealedFile::open(task.queued.path, *task.key, task.queued.chunk_hashes);
        if (!body) return outcome_of_trouble(task, body.error());
        const Result<void> sent = put_blob(round_.carrier->bucket(), blob_path(BlobKind::file, task.key->id()), *body);
        if (!sent && body->trouble()) return outcome_of_trouble(task, *body->trouble());
        if (!sent) return tl::unexpected<Error>(sent.error());
        ++sent_;
        return outcome_of(task, BlobOutcome::State::carried);
    }

    // Of this disk: the other files can be sent all the same.
    static Result<BlobOutcome> outcome_of_trouble(const Task& task, const Error& error) {
        if (error.kind == ErrorKind::cancelled) return tl::unexpected<Error>(error);
        if (error.kind == ErrorKind::conflict) return outcome_of(task, BlobOutcome::State::refused, error.message);
        if (error.kind != ErrorKind::not_found) return outcome_of(task, BlobOutcome::State::waiting, error.message);
        return outcome_of(task, BlobOutcome::State::waiting,
                          fmt::format("{} is not there; bring it back, or import it from where it is now",
                                      shown(task.queued.path.native())));
    }

    Result<BlobOutcome> image_outcome(const Task& task) {
        const std::filesystem::path path = artwork_path(round_.home, task.queued.blob);
        const Result<Bytes> plain = read_artwork(path, task.queued.blob);
        if (plain && task.queued.carried) return outcome_of(task, BlobOutcome::State::carried);
        if (plain) {
            TRY(send_image(round_.carrier->bucket(), task, *plain));
            ++sent_;
            return outcome_of(task, BlobOutcome::State::carried);
        }
        return fetched_outcome(task, path);
    }

    Result<BlobOutcome> fetched_outcome(const Task& task, const std::filesystem::path& path) {
        const auto waits = [&](std::string reason) {
            BlobOutcome waiting = outcome_of(task, BlobOutcome::State::waiting, std::move(reason));
            waiting.up = false;
            return waiting;
        };
        const Result<Bytes> fetched = fetch_artwork(round_.carrier->bucket(), task.queued.blob, *task.key);
        if (!fetched && fetched.error().kind == ErrorKind::not_found) return waits(task.absence);
        if (!fetched && fetched.error().kind == ErrorKind::corrupt) return waits(fetched.error().message);
        if (!fetched) return tl::unexpected<Error>(fetched.error());
        const Result<void> stored = store_artwork(path, *fetched);
        if (!stored && stored.error().cause == Cause::no_space) return tl::unexpected<Error>(stored.error());
        if (!stored) return waits(stored.error().message);
        ++fetched_;
        return outcome_of(task, BlobOutcome::State::fetched);
    }

    Result<void> finish(const std::vector<Task>& tasks) {
        std::vector<BlobOutcome> outcomes;
        for (const Task& task : tasks) {
            const bool begun = task.outcome.state != BlobOutcome::State::waiting || !task.outcome.reason.empty();
            if (begun) outcomes.push_back(task.outcome);
            if (task.outcome.state == BlobOutcome::State::waiting) {
                ++report_.waiting;
                report_.own_waiting += task.outcome.up ? 1 : 0;
            }
            if (task.outcome.state == BlobOutcome::State::refused) report_.refused.push_back(task.outcome.reason);
        }
        TRY(ledger_.record(outcomes));
        report_.sent = sent_;
        report_.fetched = fetched_;
        if (interrupted()) return fail(ErrorKind::cancelled, "interrupted");
        for (const Task& task : tasks) {
            if (task.carrier_error) return tl::unexpected<Error>(*task.carrier_error);
        }
        return {};
    }

    const BlobRound& round_;
    BlobLedger ledger_;
    BlobReport report_;
    uint64_t total_ = 0, done_ = 0;
    std::atomic<uint64_t> sent_ = 0, fetched_ = 0;
    std::atomic<bool> stop_ = false;
};

}  // namespace

Result<BlobReport> sync_blobs(const BlobRound& round) { return Round(round).run(); }

}  // namespace bae::node
