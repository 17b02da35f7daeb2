#include "node/blobs/audit_read.h"

#include <fmt/format.h>

#include "node/blobs/carrier_health.h"
#include "node/blobs/incoming_file.h"
#include "node/blobs/tasks.h"
#include "node/blobs/workers.h"
#include "node/interrupt.h"
#include "node/output/escape.h"

namespace bae::node {
namespace {

using crypto::kBlobChunkPlainBytes;
using crypto::kBlobChunkSealedBytes;

constexpr size_t kBatch = 64;

Result<void> open_window(const crypto::BlobKey& key, uint64_t start, ByteView sealed) {
    Bytes plain(kBlobChunkPlainBytes);
    for (uint64_t chunk = start / kBlobChunkSealedBytes; !sealed.empty(); ++chunk) {
        const ByteView one = sealed.first(std::min(sealed.size(), kBlobChunkSealedBytes));
        TRY(key.open_chunk(chunk, one, ByteSpan(plain).first(key.chunk_plain_size(chunk))));
        sealed = sealed.subspan(one.size());
    }
    return {};
}

Result<void> open_blob(s3::Bucket& bucket, const std::string& path, const crypto::BlobKey& key, FileMeter& meter) {
    for (uint64_t at = 0; at < key.sealed_size();) {
        if (interrupted()) return fail(ErrorKind::cancelled, "interrupted");
        const uint64_t length = std::min(kWindowBytes, key.sealed_size() - at);
        const Bytes sealed = TRY(bucket.get_range(path, at, length));
        if (sealed.size() != length) return fail(ErrorKind::corrupt, path + " on the carrier is cut short");
        TRY(open_window(key, at, sealed));
        meter.passed(length);
        at += length;
    }
    return {};
}

class Reading {
  public:
    Reading(const BlobRound& round, std::vector<AuditedBlob>& blobs) : round_(round), blobs_(blobs) {
        for (const AuditedBlob& one : blobs) total_bytes_ += one.blob.size;
    }

    Result<void> run() {
        run_work({.threads = round_.workers,
                  .run = [this](size_t i) { check(tasks_.at(i)); },
                  .done =
                      [this](size_t i) {
                          ++done_;
                          tasks_.drop(i);
                      },
                  .more = [this] { return more(); },
                  .tick = [this] { tick(); },
                  .stop = [this] { return health_.verdict() || interrupted(); }});
        if (interrupted()) return fail(ErrorKind::cancelled, "interrupted");
        if (const std::optional<Error> verdict = health_.verdict()) return tl::unexpected<Error>(*verdict);
        return {};
    }

  private:
    struct Task {
        AuditedBlob* audited = nullptr;
        crypto::BlobKey key;
    };

    size_t more() {
        size_t added = 0;
        for (; added < kBatch && next_ < blobs_.size(); ++next_) {
            Result<crypto::BlobKey> key = key_of(round_.replica, blobs_[next_].blob);
            if (!key) continue;
            tasks_.add({&blobs_[next_], std::move(*key)});
            ++added;
        }
        return added;
    }

    void check(Task& task) {
        AuditedBlob& audited = *task.audited;
        const std::string path = blob_path(audited.blob.kind, task.key.id());
        FileMeter meter(bytes_, audited.blob.size);
        Result<void> opened = open_blob(*round_.bucket, path, task.key, meter);
        // Read once more before it is removed: bytes may have been damaged on their way.
        if (!opened && opened.error().kind == ErrorKind::corrupt)
            opened = open_blob(*round_.bucket, path, task.key, meter);
        const ErrorKind kind = opened ? ErrorKind::internal : opened.error().kind;
        audited.damaged = kind == ErrorKind::corrupt || kind == ErrorKind::not_found;
        if (opened || audited.damaged)
            health_.succeeded();
        else
            fail_one(audited, opened.error(), "could not be read");
        if (kind == ErrorKind::corrupt) remove(audited, path);
    }

    void remove(AuditedBlob& audited, const std::string& path) {
        const Result<void> removed = round_.bucket->remove(path);
        if (!removed) fail_one(audited, removed.error(), "is damaged in the bucket and cannot be removed from it");
    }

    void fail_one(AuditedBlob& audited, const Error& error, std::string_view what) {
        audited.problem = fmt::format("{} {}: {}", shown(audited.blob.name), what, shown(error.message));
        health_.failed(error);
    }

    void tick() {
        round_.out.progress(
            {.phase = "reading", .done = done_, .total = blobs_.size(), .bytes = bytes_, .total_bytes = total_bytes_});
    }

    const BlobRound& round_;
    std::vector<AuditedBlob>& blobs_;
    size_t next_ = 0;
    Tasks<Task> tasks_;
    CarrierHealth health_;
    uint64_t done_ = 0, total_bytes_ = 0;
    std::atomic<uint64_t> bytes_ = 0;
};

}  // namespace

Result<void> read_blobs(const BlobRound& round, std::vector<AuditedBlob>& blobs) { return Reading(round, blobs).run(); }

}  // namespace bae::node
