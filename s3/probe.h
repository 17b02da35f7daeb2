#pragma once
// What a place really does, found out by doing it under a random name that is removed afterwards: what protection
// follows, and what to set at the provider. Works on any bucket; an S3 bucket is asked more.
#include <functional>
#include <string>
#include <vector>

#include "crypto/secret.h"
#include "s3/s3_bucket.h"

namespace bae::s3 {

struct ProbeFinding {
    enum class Level { ok, note, problem };  // problem: `bucket use` refuses the place
    Level level = Level::ok;
    std::string what;    // stable word: "write", "read", "range", "list", "missing", "overwrite", "conditional_put",
                         // "race", "large", "clock", "versioning", "remove", "leftovers" (only if some are removed)
    std::string found;   // for people
    std::string advice;  // what follows, or what to set; may be empty
};

struct ProbeOptions {
    crypto::Random& random;
    std::function<int64_t()> now_ms;
    // Runs all tasks on threads of the caller at the same time, for the race; empty: there is none.
    std::function<void(std::vector<std::function<void()>>)> run_parallel;
    int race_rounds = 5;
    uint64_t large_bytes = 0;  // also an object of this size, to see that bodies in parts arrive; 0: none
};

struct ProbeReport {
    std::vector<ProbeFinding> findings;
    bool usable() const;  // no problem
    bool read_only = false;
    ConditionalPut conditional_put = ConditionalPut::unknown;  // of an S3 bucket
};

// Its objects are probe-RANDOM-...; what a probe that was interrupted leaves, another removes when it is an hour old.
// No layout has paths that begin so, and a place that holds no others counts as empty.
constexpr std::string_view kProbePrefix = "probe-";

// An error only if the place could not be asked at all (unreachable, wrong credentials): says which.
Result<ProbeReport> probe(Bucket& bucket, const ProbeOptions& options);

}  // namespace bae::s3
