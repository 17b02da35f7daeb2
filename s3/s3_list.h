#pragma once
// Listings of an S3 server (ListObjectsV2). Private to s3; contract as in bucket.h, arguments are checked by the
// caller.
#include "s3/s3_requests.h"

namespace bae::s3 {

// Keys that are no paths of ours are passed over, however many pages of them there are.
Result<ListPage> list_objects(S3Requests& requests, std::string_view prefix, std::string_view after, size_t limit);

}  // namespace bae::s3
