#include "s3/access_policy.h"

namespace bae::s3 {

// Neither bucket names nor prefixes have characters that JSON would escape. Listing has no condition on the prefix:
// whoever may list with one only is told "forbidden" of objects that are not there.
std::string least_access_policy(const S3Place& place) {
    const std::string bucket = "arn:aws:s3:::" + place.bucket;
    const std::string below = bucket + "/" + (place.prefix.empty() ? "*" : place.prefix + "/*");
    return R"({
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"],
      "Resource": ")" +
           below + R"("
    },
    {
      "Effect": "Allow",
      "Action": ["s3:ListBucket", "s3:ListBucketMultipartUploads", "s3:GetBucketVersioning"],
      "Resource": ")" +
           bucket + R"("
    }
  ]
}
)";
}

}  // namespace bae::s3
