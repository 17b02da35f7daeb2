#pragma once
// What an answer of an S3 server, or the lack of one, means for the caller: one table for all requests.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "s3/s3_xml.h"
#include "s3/sigv4.h"
#include "s3/utc_time.h"

namespace bae::s3 {

struct HttpAnswer {
    int status = 0;
    Headers headers;  // names in lower case
    Bytes body;       // of an error at most 64 KiB
};

struct Verdict {
    enum class Next {
        done,   // 2xx (CompleteMultipartUpload may still say <Error>: parse_completed)
        retry,  // 408 429 500 502 503 504, RequestTimeout, SlowDown, OperationAborted, 409 ConditionalRequestConflict
                // ...
        not_found,     // NoSuchKey, NoSuchUpload, 404 without a body of a HEAD or DELETE. Never 404 of what is no S3
                       // server: those say <Error> to any other method
        no_bucket,     // NoSuchBucket: never "no such object", a bucket that is gone is not an empty one
        exists,        // 412 to a conditional PUT
        unsupported,   // 501, and 400 NotImplemented: the server refuses a header or an operation
        other_region,  // sign again for `region`, and go to `endpoint`, where they are not empty. A server may name the
                       // region it was asked as: what does not change the request is not worth another
        skewed,        // RequestTimeTooSkewed: sign again by the answer's Date
        range,         // 416
        denied,        // `error` says what: wrong key, unknown key, expired token, no permission, no space left
        refused,       // anything else
    };
    Next next = Next::refused;
    std::string region;    // is_region(), or empty
    std::string endpoint;  // "host[:port]" as the server names it, lower case (it may begin with the bucket), or empty
    std::optional<int64_t> retry_after_ms;  // seconds or an HTTP date; at most an hour
    bool slow_down = false;                 // fewer at a time from now on
    std::string code;                       // the server's word ("InvalidPart"), shown safe; empty if it says none
    // For people, with the remedy: what to return when it is not done, not repeated, or not followed. One line of
    // printable ASCII, never credentials. `denied` also where nothing at this place will work before the person acts
    // (no_bucket, other_region, skewed).
    Error error;
};
// `method`: of the request. now_ms: this machine's clock. `permission`: what a policy must allow for this request
// ("s3:PutObject"), named when it is denied; may be empty.
Verdict verdict_of(const HttpAnswer& answer, std::string_view method, int64_t now_ms, std::string_view permission = {});
std::optional<std::string> header(const HttpAnswer& answer, std::string_view lower_case_name);  // the first, trimmed

}  // namespace bae::s3
