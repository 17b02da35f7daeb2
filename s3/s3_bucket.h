#pragma once
// A bucket of an S3-compatible server over libcurl (version 7.88), signed by sigv4.h. What was measured of servers and
// what each provider does differently is in README.md.
//
// Threads: safe for several; each call does its transfers on the calling thread, over connections that are kept for the
// next call. A large get_range is split into up to `parallel` ranges, a content-addressed body larger than `part_bytes`
// is sent in parts (multipart), up to `parallel` at a time: what an earlier attempt, also of a killed process, has sent
// of it is found on the server and not sent again. Creating it is not atomic (multipart cannot be): of racing creators
// several may be told `created`. Every other body lies in memory and is one request, so two installations that write
// one path never end up with a mix of both.
//
// A bucket that does not exist is `denied` for an object and `not_found` for list and versioning: never an empty one.
// stat alone cannot tell (the answer to a HEAD has no body) and says that the object is not there.
//
// Retries are made in here, per request, with full jitter, Retry-After and a limit in time: no other layer repeats.
#include <functional>
#include <memory>
#include <string>

#include "crypto/secret.h"
#include "s3/bucket.h"
#include "s3/fault_bucket.h"
#include "s3/rate_limit.h"
#include "s3/retry.h"
#include "s3/s3_place.h"
#include "s3/s3_xml.h"
#include "s3/sigv4.h"

namespace bae::s3 {

// What the server does with If-None-Match: * on a PUT (probe.h finds out). unknown: it is sent, and a refusal believed.
enum class ConditionalPut { unknown, honoured, refused, ignored };

struct S3Options {
    S3Place place;
    S3Credentials credentials;
    ConditionalPut conditional_put = ConditionalPut::unknown;  // refused, ignored: stat, then an unconditional PUT
    RetryPolicy retry{.attempts = 10, .give_up_after_ms = 120'000};  // of one request
    std::string ca_file;                                             // PEM; empty: the system's
    int parallel = 4;                                                // requests of one call under way
    uint64_t part_bytes = 16 << 20;                                  // at least 5 MiB
    int64_t connect_timeout_ms = 15'000;
    int64_t stall_timeout_ms =
        30'000;  // no byte in either direction for so long: the request has failed, and is retried
    RateLimit* upload_limit = nullptr;  // null: none; shared with other buckets
    RateLimit* download_limit = nullptr;
    std::function<bool()> cancelled;  // asked several times per second; may be empty
    OnRetry on_retry;                 // may be empty; called on the calling thread
    std::function<int64_t()> now_ms;  // the wall clock; empty: the machine's
};

class S3Bucket : public Bucket {
  public:
    virtual CallCounts counts() const = 0;               // HTTP requests, each attempt; bytes of bodies
    virtual ConditionalPut conditional_put() const = 0;  // as given, or as learnt since
    virtual std::string region() const = 0;              // as given, or as learnt since
    virtual std::optional<int64_t> clock_offset_ms()
        const = 0;  // the server's clock less ours, as of the newest answer

    // For the probe: one PUT with If-None-Match: *, as it is. unsupported: the server refuses the header.
    virtual Result<PutOutcome> put_conditionally(std::string_view path, ByteView bytes) = 0;
    virtual Result<Versioning> versioning() = 0;
    // Makes the bucket itself; one that is there and ours is fine. conflict: it is somebody else's.
    virtual Result<void> create_bucket() = 0;
};

// Makes no request. invalid_input: limits out of range.
Result<std::unique_ptr<S3Bucket>> open_s3_bucket(S3Options options, crypto::Random& random);

}  // namespace bae::s3
