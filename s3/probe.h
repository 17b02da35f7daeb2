#pragma once
// What a place really does, found out by doing it under a random name that is removed afterwards: what protection
// follows, and what to set at the provider. Works on any bucket; an S3 bucket is asked more.
#include <functional>
#include <string>
#include <vector>

#include "crypto/secret.h"
#include "s3/bucket.h"

namespace bae::s3 {

struct ProbeFinding {
    enum class Level { ok, note, problem };  // problem: `bucket use` refuses the place
    Level level = Level::ok;
    std::string what;    // stable word: "write", "read", "range", "list", "conditional_put", "race", "clock",
                         // "versioning", "remove" ...
    std::string found;   // for people
    std::string advice;  // what follows, or what to set; may be empty
};

struct ProbeOptions {
    crypto::Random& random;
    std::function<int64_t()> now_ms;
    // Runs all tasks on threads of the caller at the same time, for the race.
    std::function<void(std::vector<std::function<void()>>)> run_parallel;
    int race_rounds = 5;
};

struct ProbeReport {
    std::vector<ProbeFinding> findings;
    bool usable() const;
    bool read_only = false;
};
// An error only if the place could not be asked at all (unreachable, wrong credentials): says which.
Result<ProbeReport> probe(Bucket& bucket, const ProbeOptions& options);

}  // namespace bae::s3
