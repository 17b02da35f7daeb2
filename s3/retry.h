#pragma once
// When and how often to try again what failed with `retry`: exponential backoff with full jitter, up to a number of
// attempts and a limit in time. Backoff is the rule (the S3 client goes by it, per request), make_retrying_bucket a
// decorator that applies it to the calls of any bucket.
//
// A put_if_absent whose answer was lost and that then finds its own bytes at the path is reported as `created` (two
// racing creators of equal bytes may thus both be told so); if those bytes cannot be read, the read's error is
// returned.
#include <functional>
#include <memory>
#include <optional>

#include "crypto/secret.h"
#include "s3/bucket.h"

namespace bae::s3 {

struct RetryPolicy {
    int attempts = 5;              // in all
    int64_t first_delay_ms = 200;  // upper bound of the first pause; doubles
    int64_t max_delay_ms = 10'000;
    int64_t give_up_after_ms = INT64_MAX;  // no attempt begins later than this after the first has failed
};
using Sleep = std::function<Result<void>(int64_t ms)>;                                   // `cancelled` ends the retries
using OnRetry = std::function<void(const Error& error, int attempt, int64_t delay_ms)>;  // for status; may be empty

// The attempts of one call. Time comes in; `random` must be safe for the threads that share it.
class Backoff {
  public:
    Backoff(RetryPolicy policy, crypto::Random& random) : policy_(policy), random_(random) {}
    // An attempt has failed: how long to wait before the next one, at least as long as the server asked for; absent: it
    // was the last.
    std::optional<int64_t> failed(int64_t now_ms, std::optional<int64_t> retry_after_ms = {});
    int attempts() const { return attempts_; }  // that have failed
    // The error of the last attempt, with how often it was tried.
    Error told(const Error& error) const;

  private:
    int64_t jittered();

    RetryPolicy policy_;
    crypto::Random& random_;
    int64_t first_failed_ms_ = 0;
    int attempts_ = 0;
};

// After a lost answer: what put_if_absent reports when something is at the path, by comparing all bytes.
Result<PutOutcome> whose_object(Bucket& bucket, std::string_view path, Body& body);

// Sleeping and randomness come in, so that hours of trouble run in milliseconds. `inner` must outlive the result. Of
// the limit in time only the pauses count.
std::unique_ptr<Bucket> make_retrying_bucket(Bucket& inner, RetryPolicy policy, crypto::Random& random, Sleep sleep,
                                             OnRetry on_retry = {});

}  // namespace bae::s3
