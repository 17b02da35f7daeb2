// What capture costs: rows per second through Database::write against the same statements on a plain connection.
#include <fmt/core.h>

#include <algorithm>

#include "measure.h"
#include "rows.h"

namespace bae::benchmarks {

namespace {

Result<double> with_capture(const Options& options, size_t count) {
    const Scratch scratch(options.directory);
    auto library = TRY(open_library(scratch.path() / "library.db", 1));
    Stopwatch watch;
    size_t rows = 0;
    for (size_t i = 0; i < count; i++) {
        const Batch batch = make_batch(i);
        watch.start();
        TRY(library->write("import", [&](sync::sqlite::Connection& c) { return insert_batch(c, batch); }));
        watch.stop();
        rows += batch.rows();
    }
    return static_cast<double>(rows) / watch.seconds();
}

Result<double> without_capture(const Options& options, size_t count) {
    const Scratch scratch(options.directory);
    auto c = TRY(open_plain(scratch.path() / "plain.db", true));
    Stopwatch watch;
    size_t rows = 0;
    for (size_t i = 0; i < count; i++) {
        const Batch batch = make_batch(i);
        watch.start();
        auto transaction = TRY(sync::sqlite::Transaction::begin(*c, sync::sqlite::Transaction::Kind::write));
        TRY(insert_batch(*c, batch));
        TRY(transaction.commit());
        watch.stop();
        rows += batch.rows();
    }
    return static_cast<double>(rows) / watch.seconds();
}

Result<Row> capture(const Options& options, double rows, const char* name, double goal) {
    Row row{name,     "rows through Database::write",
            0,        0,
            "rows/s", "the same SQL, schema and pragmas (WAL, synchronous=FULL) without capture",
            goal};
    for (int round = 0; round < 3; round++) {
        row.ours = std::max(row.ours, TRY(with_capture(options, batches(rows))));
        row.reference = std::max(row.reference, TRY(without_capture(options, batches(rows))));
    }
    return row;
}

}  // namespace

Result<Rows> measure_capture(const Options& options) {
    Rows rows;
    rows.push_back(TRY(capture(options, 100'000 * options.scale, "capture, 100,000 rows", 0.65)));
    rows.push_back(TRY(capture(options, 1'000'000 * options.scale, "capture, 1,000,000 rows", 0.75)));
    return rows;
}

}  // namespace bae::benchmarks
