#pragma once
// The credentials of an S3 bucket: where they come from, and the form in which the secret store keeps them.
#include <optional>

#include "node/config.h"
#include "s3/s3_place.h"
#include "s3/sigv4.h"

namespace bae::node {

// The name in the secret store: "bucket." and 32 hex digits of SHA-256 over server and bucket, so that every bucket has
// its own, whatever the prefix.
std::string credentials_name(const s3::S3Place& place);
// Access key, secret key and session token (perhaps empty), each with a line feed between.
crypto::SecretBytes packed_credentials(const s3::S3Credentials& credentials);
Result<s3::S3Credentials> unpacked_credentials(ByteView packed);  // corrupt
s3::S3Credentials duplicate(const s3::S3Credentials& credentials);

// AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN; absent if neither of the first two is set.
// invalid_input names what is missing or what no key can be.
Result<std::optional<s3::S3Credentials>> credentials_from_environment(Environment environment);
Result<void> check_credentials(const s3::S3Credentials& credentials);  // invalid_input: no key looks like that

}  // namespace bae::node
