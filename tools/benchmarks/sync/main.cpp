// bae_bench_sync [--scale X] [--only NAME] [--json] [--dir PATH]: what capture, one edit, merge and the log cost, each
// beside its reference in the same run. --list: one line per NAME, with the names of its rows after it (tabs between).
#include <fmt/core.h>

#include <cstdlib>
#include <string_view>

#include "measure.h"

namespace {

using namespace bae;
using namespace bae::benchmarks;

struct Measurement {
    const char* name;
    const char* rows;
    Result<Rows> (*measure)(const Options&);
};
constexpr Measurement kMeasurements[] = {{"capture", "capture, 100,000 rows\tcapture, 1,000,000 rows", measure_capture},
                                         {"edit", "one edit\tone edit, alone", measure_edit},
                                         {"merge", "merge\tmerge, inserts", measure_merge},
                                         {"log", "log size", measure_log_size}};

int list() {
    for (const Measurement& one : kMeasurements) fmt::print("{}\t{}\n", one.name, one.rows);
    return 0;
}

void print_json(const Row& row) {
    fmt::print(R"({{"name":"{}","what":"{}","ours":{:.4g},"unit":"{}")", row.name, row.what, row.ours, row.unit);
    if (row.reference != 0)
        fmt::print(R"(,"reference":{:.4g},"command":"{}","ratio":{:.3f})", row.reference, row.command, row.ratio());
    fmt::print(R"(,"goal":{}{}}})"
               "\n",
               row.goal, row.at_most ? R"(,"at_most":true)" : "");
}

void print_line(const Row& row) {
    const std::string ratio = row.reference == 0 ? "" : fmt::format("{:.3f}", row.ratio());
    fmt::print("{:<26} {:>12.4g} {:>12.4g} {:<7} {:>6} {:>8} {:<4}  {}\n", row.name, row.ours, row.reference, row.unit,
               ratio, row.at_most ? "at most" : "at least", row.goal, row.command);
}

void print_heading() {
    fmt::print("{:<26} {:>12} {:>12} {:<7} {:>6} {:>13}  {}\n", "", "ours", "reference", "unit", "ratio", "goal",
               "the reference is");
}

void print(const Row& row, bool json) {
    if (json)
        print_json(row);
    else
        print_line(row);
    std::fflush(stdout);
}

int usage() {
    fmt::print(stderr, "bae_bench_sync [--scale X] [--only capture|edit|merge|log] [--json] [--dir PATH] | --list\n");
    return 2;
}

}  // namespace

int main(int count, char** arguments) {
    Options options;
    for (int i = 1; i < count; i++) {
        const std::string_view name = arguments[i];
        const bool more = i + 1 < count;
        if (name == "--list") return list();
        if (name == "--json")
            options.json = true;
        else if (name == "--scale" && more)
            options.scale = std::atof(arguments[++i]);
        else if (name == "--only" && more)
            options.only = arguments[++i];
        else if (name == "--dir" && more)
            options.directory = arguments[++i];
        else
            return usage();
    }
    if (!options.json) print_heading();
    for (const Measurement& one : kMeasurements) {
        if (!options.only.empty() && options.only != one.name) continue;
        const auto rows = one.measure(options);
        if (!rows) {
            fmt::print(stderr, "{}: {}\n", one.name, rows.error().message);
            return 1;
        }
        for (const Row& row : *rows) print(row, options.json);
    }
    return 0;
}
