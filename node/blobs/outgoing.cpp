#include "node/blobs/outgoing.h"

#include <fmt/format.h>

#include "crypto/base/crash_point.h"
#include "node/blobs/artwork.h"
#include "node/blobs/sealed_file.h"
#include "node/output/escape.h"

namespace bae::node {
namespace {

// To ask first costs a request; to send what lies there already costs its bytes.
constexpr uint64_t kAskedForAbove = 1 << 20;

Result<bool> lies_there(s3::Bucket& bucket, const std::string& path, uint64_t size) {
    const Result<s3::ObjectInfo> there = bucket.stat(path);
    if (!there && there.error().kind == ErrorKind::not_found) return false;
    return TRY(Result<s3::ObjectInfo>(there)).size == size;
}

// Of this disk: the other files can be sent all the same.
Result<BlobOutcome> outcome_of_trouble(const Outgoing& task, const Error& error) {
    if (error.kind == ErrorKind::cancelled) return tl::unexpected<Error>(error);
    if (error.kind == ErrorKind::conflict) return outcome_of(task, BlobOutcome::State::refused, error.message);
    if (error.kind != ErrorKind::not_found) return outcome_of(task, BlobOutcome::State::waiting, error.message);
    return outcome_of(task, BlobOutcome::State::waiting,
                      fmt::format("{} is not there; bring it back, or import it from where it is now",
                                  shown(task.queued.path.native())));
}

// Errors are the carrier's from here on.
Result<BlobOutcome> send_file(s3::Bucket& bucket, Outgoing& task, FileMeter& meter) {
    const QueuedBlob& queued = task.queued;
    if (queued.carried) return outcome_of(task, BlobOutcome::State::carried);
    Bytes taken;
    if (queued.chunk_hashes.empty()) {
        Result<Bytes> hashes = hash_chunks(queued.path, queued.blob.hash);
        if (!hashes) return outcome_of_trouble(task, hashes.error());
        taken = std::move(*hashes);
    }
    Result<SealedFile> body = SealedFile::open(queued.path, *task.key, taken.empty() ? queued.chunk_hashes : taken);
    if (!body) return outcome_of_trouble(task, body.error());
    MeteredBody metered(*body, meter);
    const Result<bool> sent = put_blob(bucket, blob_path(BlobKind::file, task.key->id()), metered);
    if (!sent && body->trouble()) return outcome_of_trouble(task, *body->trouble());
    task.moved = TRY(Result<bool>(sent));
    task.answered = true;
    BlobOutcome outcome = outcome_of(task, BlobOutcome::State::carried);
    outcome.chunk_hashes = std::move(taken);
    return outcome;
}

Result<BlobOutcome> fetch_image(s3::Bucket& bucket, Outgoing& task, const std::filesystem::path& path) {
    task.outcome.up = false;
    const auto waits = [&](std::string reason) {
        return outcome_of(task, BlobOutcome::State::waiting, std::move(reason));
    };
    const Result<Bytes> fetched = fetch_artwork(bucket, task.queued.blob, *task.key);
    const ErrorKind failure = fetched ? ErrorKind::internal : fetched.error().kind;
    task.answered = fetched || failure == ErrorKind::not_found || failure == ErrorKind::corrupt;
    if (!task.answered) return tl::unexpected<Error>(fetched.error());
    if (!fetched)
        return waits(failure == ErrorKind::not_found ? task.absence : fetched.error().message + kDamageRemedy);
    const Result<void> stored = store_artwork(path, *fetched);
    if (!stored && stored.error().cause == Cause::no_space) return tl::unexpected<Error>(stored.error());
    if (!stored) return waits(stored.error().message);
    task.moved = true;
    return outcome_of(task, BlobOutcome::State::fetched);
}

Result<BlobOutcome> settle_image(s3::Bucket& bucket, const HomePaths& home, Outgoing& task) {
    const std::filesystem::path path = artwork_path(home, task.queued.blob);
    const Result<Bytes> plain = read_artwork(path, task.queued.blob);
    if (!plain) return fetch_image(bucket, task, path);
    if (!task.queued.carried) {
        const Bytes sealed = TRY(sealed_artwork(*task.key, *plain));
        s3::MemoryBody body(sealed);
        task.moved = TRY(put_blob(bucket, blob_path(BlobKind::image, task.key->id()), body));
        task.answered = true;
    }
    return outcome_of(task, BlobOutcome::State::carried);
}

}  // namespace

BlobOutcome outcome_of(const Outgoing& task, BlobOutcome::State state, std::string reason) {
    BlobOutcome outcome{.blob = task.queued.blob,
                        .blob_id = task.key ? task.key->id().text() : task.queued.blob.row_id,
                        .state = state,
                        .up = task.outcome.up,
                        .reason = std::move(reason)};
    if (state == BlobOutcome::State::refused) outcome.path = task.queued.path;
    return outcome;
}

Result<bool> put_blob(s3::Bucket& bucket, const std::string& path, s3::Body& body) {
    const bool large = body.size() > kAskedForAbove;
    if (large && TRY(lies_there(bucket, path, body.size()))) return false;
    CRASH_POINT("blobs: sealed, not sent");
    if (TRY(bucket.put_if_absent(path, body)) == s3::PutOutcome::exists) {
        if (TRY(lies_there(bucket, path, body.size()))) return false;
        TRY(bucket.put(path, body));
    }
    CRASH_POINT("blobs: sent, not recorded");
    return true;
}

void carry_out(s3::Bucket& bucket, const HomePaths& home, Outgoing& task, FileMeter& meter) {
    Result<BlobOutcome> done =
        task.queued.blob.kind == BlobKind::image ? settle_image(bucket, home, task) : send_file(bucket, task, meter);
    if (!done) {
        task.carrier_error = done.error();
        done = outcome_of(task, BlobOutcome::State::waiting, done.error().message);
    }
    task.outcome = std::move(*done);
}

}  // namespace bae::node
