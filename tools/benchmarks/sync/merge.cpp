// A conflict-free pull into an empty library, against SQLite applying the same rows and against plain inserts of them.
#include <fmt/core.h>

#include <algorithm>

#include "measure.h"
#include "rows.h"
#include "sessions.h"

namespace bae::benchmarks {

namespace {

constexpr size_t kTogether = 50;  // transactions of about 1,000 rows per commit, in all three

using sync::sqlite::Connection;
using sync::sqlite::Transaction;

Result<std::vector<sync::OutboxTransaction>> write_and_take(const std::filesystem::path& path, size_t count) {
    auto library = TRY(open_library(path, 1));
    for (size_t i = 0; i < count; i++)
        TRY(library->write("import", [&](Connection& c) { return insert_batch(c, make_batch(i)); }));
    std::vector<sync::OutboxTransaction> taken;
    TRY(library->replicate([&](Connection& c) -> Result<void> {
        taken = TRY(library->unsealed(c, SIZE_MAX));
        return {};
    }));
    return taken;
}

Result<double> merge(const Options& options, const std::vector<sync::OutboxTransaction>& transactions) {
    const Scratch scratch(options.directory);
    auto library = TRY(open_library(scratch.path() / "library.db", 2));
    Stopwatch watch;
    uint64_t number = 0, rows = 0;
    for (size_t from = 0; from < transactions.size(); from += kTogether) {
        std::vector<sync::IncomingObject> objects;
        for (size_t i = from; i < std::min(from + kTogether, transactions.size()); i++) {
            const auto& t = transactions[i];
            objects.push_back({t.stamp.device, ++number, {}, {{t.stamp, t.seen, t.changes, t.message}}});
        }
        watch.start();
        rows += TRY(library->merge(objects, {})).rows;
        watch.stop();
    }
    return static_cast<double>(rows) / watch.seconds();
}

// `store(connection, i)` stores batch i.
template <class Store>
Result<double> plain(const Options& options, size_t count, Store&& store) {
    const Scratch scratch(options.directory);
    auto c = TRY(open_plain(scratch.path() / "plain.db", false));
    Stopwatch watch;
    for (size_t from = 0; from < count; from += kTogether) {
        std::vector<Batch> made;
        for (size_t i = from; i < std::min(from + kTogether, count); i++) made.push_back(make_batch(i));
        watch.start();
        auto transaction = TRY(Transaction::begin(*c, Transaction::Kind::write));
        for (size_t i = 0; i < made.size(); i++) TRY(store(*c, from + i, made[i]));
        TRY(transaction.commit());
        watch.stop();
    }
    return static_cast<double>(count * make_batch(0).rows()) / watch.seconds();
}

}  // namespace

Result<Rows> measure_merge(const Options& options) {
    const size_t count = batches(200'000 * options.scale);
    const Scratch scratch(options.directory);
    const auto transactions = TRY(write_and_take(scratch.path() / "source.db", count));
    const auto changesets = TRY(record_sessions(scratch.path() / "sessions.db", count));
    double ours = 0, applied = 0, inserted = 0;
    for (int round = 0; round < 3; round++) {
        ours = std::max(ours, TRY(merge(options, transactions)));
        applied = std::max(applied, TRY(plain(options, count, [&](Connection& c, size_t i, const Batch&) {
                               return apply_changeset(c, changesets[i]);
                           })));
        inserted = std::max(inserted, TRY(plain(options, count, [&](Connection& c, size_t, const Batch& batch) {
                                return insert_batch_stamped(c, batch, "1700000000000-0000-0000000000000001");
                            })));
    }
    const char* what = "a conflict-free pull into an empty library";
    return Rows{{"merge", what, ours, applied, "rows/s", "sqlite3changeset_apply of the same rows", 1.0, false},
                {"merge, inserts", what, ours, inserted, "rows/s", "prepared INSERTs of the same rows", 0.45, false}};
}

}  // namespace bae::benchmarks
