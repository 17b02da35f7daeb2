#pragma once
// AWS Signature Version 4 for one request (AWS General Reference, "Create a signed AWS API request"), as S3 wants it:
// path segments encoded once, nothing normalised. Pure: the clock is an argument.
#include <string>
#include <utility>
#include <vector>

#include "crypto/hash.h"
#include "crypto/secret.h"

namespace bae::s3 {

struct S3Credentials {
    std::string access_key;  // may contain ':'
    crypto::SecretBytes secret_key;
    crypto::SecretBytes session_token;  // empty: none
};

using Headers = std::vector<std::pair<std::string, std::string>>;
using Query = std::vector<std::pair<std::string, std::string>>;  // not encoded; an empty value is sent as "name="

struct SignedRequest {
    std::string method;
    std::string path;  // "/bucket/key", not encoded
    Query query;
    Headers headers;      // names in lower case; with "host"; all are signed; a name that comes twice is sent twice
    std::string payload;  // "UNSIGNED-PAYLOAD" or SHA-256 in hex
};

// RFC 3986: everything but A-Z a-z 0-9 - . _ ~ becomes %XX; '/' stays unless `encode_slash`.
std::string uri_encoded(std::string_view text, bool encode_slash);
std::string encoded_query(const Query& query);  // sorted, as it is signed and as it is sent

// The headers to send: those given, x-amz-date, x-amz-content-sha256 (unless given), x-amz-security-token,
// authorization. now_ms >= 0.
Headers signed_headers(const SignedRequest& request, const S3Credentials& credentials, std::string_view region,
                       std::string_view service, int64_t now_ms);
// The query of a pre-signed URL instead (UNSIGNED-PAYLOAD, signed header: host), valid for `expires_s` (1..604800).
Query presigned_query(const SignedRequest& request, const S3Credentials& credentials, std::string_view region,
                      std::string_view service, int64_t now_ms, int64_t expires_s);

// The steps of both, as the standard names them; the suite of AWS has a vector for each.
struct SigningScope {
    std::string date;  // "20130524T000000Z"
    std::string region, service;
    std::string text() const;  // "20130524/us-east-1/s3/aws4_request"
};
std::string signed_header_names(const Headers& headers);  // "host;x-amz-date"
std::string canonical_request(const SignedRequest& request);
std::string string_to_sign(std::string_view canonical_request, const SigningScope& scope);
std::string signature_of(std::string_view string_to_sign, const SigningScope& scope,
                         const crypto::SecretBytes& secret_key);  // hex

}  // namespace bae::s3
