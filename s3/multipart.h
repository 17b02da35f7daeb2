#pragma once
// Bodies in parts (CreateMultipartUpload ... CompleteMultipartUpload). What an earlier attempt has sent is found on the
// server: an open upload of exactly our key whose parts have the sizes ours would have. That they hold our bytes
// follows from the path, which must follow from the bytes. Private to s3.
#include "s3/s3_requests.h"

namespace bae::s3 {

constexpr uint64_t kLeastPartBytes = 5 << 20;  // servers refuse smaller ones, but for the last
constexpr uint64_t kMaxParts = 10'000;

// All parts but the last have this size (some servers insist); it follows from the body's size alone, so that a later
// process cuts in the same places. Larger than `part_bytes` only where there would be too many parts.
uint64_t part_size_of(uint64_t body_size, uint64_t part_bytes);

// Sends the body and puts it together; the object is there when it returns. An error of the body is returned as it is.
// After any error what was sent stays for the next attempt.
// The body is content-addressed (bucket.h).
Result<void> upload_in_parts(S3Requests& requests, std::string_view path, Body& body);

}  // namespace bae::s3
