#pragma once
// Reading one object of an S3 server. Private to s3; contracts as in bucket.h, paths are checked by the caller.
#include "s3/s3_requests.h"

namespace bae::s3 {

// The error of a reply that is none of what the caller expected, naming the path (empty: the bucket).
tl::unexpected<Error> refusal(const S3Requests& requests, const S3Reply& reply, std::string_view path);

Result<ObjectInfo> stat_object(S3Requests& requests, std::string_view path);
Result<Bytes> get_object(S3Requests& requests, std::string_view path, uint64_t max_bytes);
// In several ranges side by side where it pays. Never a mix of two versions: all parts carry one ETag.
Result<Bytes> get_object_range(S3Requests& requests, std::string_view path, uint64_t offset, uint64_t length);

// "bytes 0-9/100", "bytes */100".
struct ContentRange {
    std::optional<uint64_t> first, last, size;
};
std::optional<ContentRange> parse_content_range(std::string_view text);

}  // namespace bae::s3
