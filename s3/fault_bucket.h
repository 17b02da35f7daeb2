#pragma once
// Decorators. The first, for tests: a storage that misbehaves, reproducibly from a seed (and the order of calls).
#include <functional>
#include <memory>

#include "s3/bucket.h"

namespace bae::s3 {

// Each 0..1, drawn per call in this order. A fault that has nothing to spoil (no earlier version, no bytes) does not
// happen. What is earlier: what calls through this decorator overwrote or listed, the last few of each.
struct FaultRates {
    double refuse = 0;       // fails with `retry`, nothing applied
    double denied = 0;       // fails with `denied`, nothing applied
    double lose_answer = 0;  // a write is applied, the answer is `retry`
    double cut = 0;  // a write of the first half of the bytes is attempted and fails; a read fails half way (`retry`)
    double old_body = 0;        // get and get_range serve an earlier version of an overwritten object
    double truncated_body = 0;  // get serves a prefix
    double flipped_body = 0;    // get and get_range serve one flipped bit
    double missing = 0;         // get, get_range and stat say not_found
    double old_list = 0;        // list serves an earlier answer for the same prefix
    double truncated_list = 0;  // list drops the tail and says nothing of it
    int64_t max_delay_ms = 0;   // passed to on_delay before each call, 0..max
};

class FaultBucket : public Bucket {
  public:
    // A fault-free decorator after this (or before rates are set again).
    virtual void set_rates(const FaultRates& rates) = 0;
    // The next `count` calls fail with this error, before anything is applied; then as usual.
    virtual void fail_next(Error error, int count) = 0;
    virtual uint64_t calls() const = 0;   // made so far
    virtual uint64_t faults() const = 0;  // injected so far
};

std::unique_ptr<FaultBucket> make_fault_bucket(Bucket& inner, uint64_t seed, FaultRates rates,
                                               std::function<void(int64_t)> on_delay = {});

// Decorator that counts calls by kind, for tests, `bae sync` summaries and benchmarks.
struct CallCounts {
    uint64_t get = 0, put = 0, list = 0, remove = 0, stat = 0;
    uint64_t bytes_sent = 0, bytes_received = 0;
    uint64_t total() const { return get + put + list + remove + stat; }
};
class CountingBucket : public Bucket {
  public:
    virtual CallCounts counts() const = 0;
};
std::unique_ptr<CountingBucket> make_counting_bucket(Bucket& inner);

}  // namespace bae::s3
