// What the log takes in the bucket, against zstd -3 of SQLite's changesets of the same transactions.
#include <fmt/core.h>
#include <zstd.h>

#include "crypto/object.h"
#include "measure.h"
#include "rows.h"
#include "sessions.h"
#include "sync/change_object.h"

namespace bae::benchmarks {

namespace {

size_t sealed_size(size_t plain) {
    const size_t chunks = plain == 0 ? 1 : (plain + crypto::kChunkPlainBytes - 1) / crypto::kChunkPlainBytes;
    const size_t tag = crypto::kChunkSealedBytes - crypto::kChunkPlainBytes;
    return crypto::kObjectHeaderBytes + plain + chunks * tag + crypto::kObjectTrailerBytes;
}

// Objects as a push makes them: outbox transactions share one up to the target size.
Result<size_t> log_bytes(sync::Database& library) {
    size_t bytes = 0;
    TRY(library.replicate([&](sync::sqlite::Connection& c) -> Result<void> {
        for (uint64_t number = 1;; number++) {
            const auto transactions = TRY(library.unsealed(c, sync::kObjectTargetBytes));
            if (transactions.empty()) return {};
            bytes += sealed_size(TRY(sync::encode_change_object({{}, {}, 1}, transactions)).size());
            TRY(library.mark_sealed(c, transactions.back().position, number, {}));
        }
    }));
    return bytes;
}

size_t compressed_size(const Bytes& bytes) {
    Bytes out(ZSTD_compressBound(bytes.size()));
    const size_t size = ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), 3);
    CHECK(!ZSTD_isError(size));
    return size;
}

}  // namespace

Result<Rows> measure_log_size(const Options& options) {
    const size_t count = batches(100'000 * options.scale);
    const Scratch scratch(options.directory);
    auto library = TRY(open_library(scratch.path() / "library.db", 1));
    for (size_t i = 0; i < count; i++)
        TRY(library->write("import", [&](sync::sqlite::Connection& c) { return insert_batch(c, make_batch(i)); }));
    Bytes all;
    for (const Bytes& changeset : TRY(record_sessions(scratch.path() / "sessions.db", count))) append(all, changeset);
    const auto ours = static_cast<double>(TRY(log_bytes(*library)));
    return Rows{{"log size", "bytes of sealed change objects", ours, static_cast<double>(compressed_size(all)), "bytes",
                 "zstd -3 of the sqlite3session changesets of the same transactions", 1.05, true}};
}

}  // namespace bae::benchmarks
