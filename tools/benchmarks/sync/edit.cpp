// One edit, fsync included, must cost what the change costs, not what the library does.
#include <fmt/core.h>

#include <algorithm>

#include "measure.h"
#include "rows.h"

namespace bae::benchmarks {

namespace {

struct Filled {
    std::unique_ptr<sync::Database> library;
    std::vector<std::string> tracks;  // ids, spread over the library
};

Result<Filled> fill(const std::filesystem::path& path, size_t count) {
    Filled filled{TRY(open_library(path, 1)), {}};
    for (size_t i = 0; i < count; i++) {
        const Batch batch = make_batch(i);
        TRY(filled.library->write("import", [&](sync::sqlite::Connection& c) { return insert_batch(c, batch); }));
        for (const ReleaseRow& release : batch.releases) filled.tracks.push_back(release.tracks[i % 12].id);
    }
    return filled;
}

Result<double> edit(Filled& filled, size_t number) {
    const std::string& id = filled.tracks[number * 7919 % filled.tracks.size()];
    Stopwatch watch;
    watch.start();
    TRY(filled.library->write("edit", [&](sync::sqlite::Connection& c) {
        return c.run("UPDATE tracks SET title = ?, _updated_at = stamp() WHERE id = ?",
                     "edited " + std::to_string(number), id);
    }));
    watch.stop();
    return watch.seconds() * 1000;
}

double median(std::vector<double> values) {
    std::ranges::nth_element(values, values.begin() + static_cast<long>(values.size() / 2));
    return values[values.size() / 2];
}

}  // namespace

Result<Rows> measure_edit(const Options& options) {
    const Scratch scratch(options.directory);
    Filled large = TRY(fill(scratch.path() / "large.db", batches(1'000'000 * options.scale)));
    Filled small = TRY(fill(scratch.path() / "small.db", batches(1'000)));
    for (size_t i = 0; i < 50; i++) TRY(edit(large, i)), TRY(edit(small, i));
    Row row{"one edit", "Database::write of one row among 1,000,000, fsync included",
            1e9,        1e9,
            "ms",       "the same among 1,000 rows",
            1.2,        true};
    for (int round = 0; round < 3; round++) {
        std::vector<double> in_large, in_small;
        for (size_t i = 0; i < 200; i++) {
            in_large.push_back(TRY(edit(large, 1000 + i)));
            in_small.push_back(TRY(edit(small, 1000 + i)));
        }
        row.ours = std::min(row.ours, median(in_large));
        row.reference = std::min(row.reference, median(in_small));
    }
    Row alone{"one edit, alone", row.what, row.ours, 0, "ms", "", 10, true};
    return Rows{row, alone};
}

}  // namespace bae::benchmarks
