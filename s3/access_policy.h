#pragma once
// The least that credentials must be allowed to do, in the language of AWS (IAM JSON policy, version 2012-10-17).
// They see the names of other objects in the bucket, not their content.
#include <string>

#include "s3/s3_place.h"

namespace bae::s3 {

std::string least_access_policy(const S3Place& place);  // of several lines, with a line feed at the end

}  // namespace bae::s3
