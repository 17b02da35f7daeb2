#include "s3/access_policy.h"

namespace bae::s3 {

// Neither bucket names nor prefixes have characters that JSON would escape.
std::string least_access_policy(const S3Place& place) {
    const std::string bucket = "arn:aws:s3:::" + place.bucket;
    const std::string below = place.prefix.empty() ? "*" : place.prefix + "/*";
    const std::string only_below =
        place.prefix.empty() ? "" : ",\n      \"Condition\": {\"StringLike\": {\"s3:prefix\": \"" + below + "\"}}";
    return R"({
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"],
      "Resource": ")" +
           bucket + "/" + below + R"("
    },
    {
      "Effect": "Allow",
      "Action": "s3:ListBucket",
      "Resource": ")" +
           bucket + "\"" + only_below + R"(
    },
    {
      "Effect": "Allow",
      "Action": ["s3:ListBucketMultipartUploads", "s3:GetBucketLocation", "s3:GetBucketVersioning"],
      "Resource": ")" +
           bucket + R"("
    }
  ]
}
)";
}

}  // namespace bae::s3
