#pragma once
// Decorator: repeats calls that fail with `retry`, exponential backoff with full jitter, up to a number of attempts.
// A put_if_absent whose answer was lost and that then finds its own bytes at the path is reported as `created` (two
// racing creators of equal bytes may thus both be told so); if those bytes cannot be read, the read's error is
// returned.
#include <functional>
#include <memory>

#include "crypto/secret.h"
#include "s3/bucket.h"

namespace bae::s3 {

struct RetryPolicy {
    int attempts = 5;              // in all
    int64_t first_delay_ms = 200;  // upper bound of the first pause; doubles
    int64_t max_delay_ms = 10'000;
};
using Sleep = std::function<Result<void>(int64_t ms)>;                                   // `cancelled` ends the retries
using OnRetry = std::function<void(const Error& error, int attempt, int64_t delay_ms)>;  // for status; may be empty

// Sleeping and randomness come in, so that hours of trouble run in milliseconds. `inner` must outlive the result.
std::unique_ptr<Bucket> make_retrying_bucket(Bucket& inner, RetryPolicy policy, crypto::Random& random, Sleep sleep,
                                             OnRetry on_retry = {});

}  // namespace bae::s3
