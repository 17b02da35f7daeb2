#pragma once
// Making the bucket itself (CreateBucket). Private to s3.
#include "s3/s3_requests.h"

namespace bae::s3 {

// One that is there and belongs to these credentials is fine: elsewhere than on AWS, one that they may list. conflict:
// it belongs to somebody else.
Result<void> create_bucket(S3Requests& requests);

}  // namespace bae::s3
