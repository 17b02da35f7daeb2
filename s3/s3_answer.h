#pragma once
// What an answer of an S3 server, or the lack of one, means for the caller: one table for all requests.
#include <cstdint>
#include <optional>
#include <string>

#include "s3/s3_xml.h"
#include "s3/sigv4.h"

namespace bae::s3 {

struct HttpAnswer {
    int status = 0;
    Headers headers;  // names in lower case
    Bytes body;       // of an error at most 64 KiB
};

struct Verdict {
    enum class Next {
        done,   // 2xx, and 304
        retry,  // 408 429 500 502 503 504, RequestTimeout, SlowDown, OperationAborted, 409 ConditionalRequestConflict
                // ...
        not_found,     // NoSuchKey, 404 of a HEAD
        no_bucket,     // NoSuchBucket
        exists,        // 412 to a conditional PUT
        unsupported,   // 501, and 400 NotImplemented: the server refuses a header or an operation
        other_region,  // sign again for `region`, and go to `endpoint` if it is not empty
        skewed,        // RequestTimeTooSkewed: sign again by the answer's Date
        range,         // 416
        denied,        // `error` says what: wrong key, unknown key, expired token, no permission
        refused,       // anything else
    };
    Next next = Next::refused;
    std::string region, endpoint;
    std::optional<int64_t> retry_after_ms;  // seconds or an HTTP date; at most an hour
    bool slow_down = false;                 // fewer at a time from now on
    Error error;                            // for people, with the remedy; never credentials
};
Verdict verdict_of(const HttpAnswer& answer, int64_t now_ms);
std::optional<std::string> header(const HttpAnswer& answer, std::string_view lower_case_name);
std::optional<int64_t> http_date_ms(std::string_view text);  // RFC 9110, 5.6.7; 0..year 2255

}  // namespace bae::s3
