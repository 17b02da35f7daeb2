#pragma once
// Decorator: holds the bytes of bodies back so that no more of them pass than rate limits allow. For storages without
// limits of their own; an S3 bucket applies them to what is on the wire.
#include <functional>
#include <memory>

#include "s3/bucket.h"
#include "s3/rate_limit.h"
#include "s3/retry.h"

namespace bae::s3 {

// Null: no limit of that direction. Several buckets, and threads, may share the limits, which outlive the result, as
// `inner` does. Time comes in: `now_ms` is what the limits go by, and an error of `sleep` (cancelled) ends the call.
std::unique_ptr<Bucket> make_limited_bucket(Bucket& inner, RateLimit* upload, RateLimit* download, Sleep sleep,
                                            std::function<int64_t()> now_ms);

}  // namespace bae::s3
