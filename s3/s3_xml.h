#pragma once
// What S3 servers answer in XML (Amazon S3 API Reference): foreign bytes, at most kMaxXmlBytes, no DOCTYPE, no entities
// but the five and character references, at most 10,000 entries, nested at most 16 deep, tokens and ids
// of at most 8 KiB. corrupt says what is wrong.
// Namespaces may be there or not; what is not known is passed over. Texts are as the server wrote them: not for people.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "crypto/base/bytes.h"

namespace bae::s3 {

constexpr size_t kMaxXmlBytes = 16 << 20;

struct S3ErrorBody {
    std::string code, message, region, endpoint, request_id;  // empty if not named; at most 1 KiB each
};
std::optional<S3ErrorBody> parse_error(ByteView xml);  // absent: it is no <Error>

std::string unquoted(std::string_view etag);  // "\"abc\"" and "abc" are the same ETag

struct ListedKey {
    std::string key;  // decoded if the answer says encoding-type=url ("%20" and "+" alike)
    uint64_t size = 0;
    std::string etag;         // without quotes
    int64_t modified_ms = 0;  // 0 if it cannot be read
};
struct ListAnswer {
    std::vector<ListedKey> keys;  // as sent: any order, perhaps none though more follow
    bool truncated = false;
    std::string next_token;
};
Result<ListAnswer> parse_list(ByteView xml);  // ListObjectsV2; corrupt if more follow and it does not say where

Result<std::string> parse_upload_id(ByteView xml);  // CreateMultipartUpload
struct UploadedPart {
    uint32_t number = 0;
    uint64_t size = 0;
    std::string etag;
};
struct PartsAnswer {
    std::vector<UploadedPart> parts;
    bool truncated = false;
    uint32_t next_number = 0;
};
Result<PartsAnswer> parse_parts(ByteView xml);  // ListParts
struct OpenUpload {
    std::string key, upload_id;
    int64_t started_ms = 0;
};
struct UploadsAnswer {
    std::vector<OpenUpload> uploads;
    bool truncated = false;
    std::string next_key, next_upload_id;
};
Result<UploadsAnswer> parse_uploads(ByteView xml);  // ListMultipartUploads
std::string complete_upload_xml(const std::vector<UploadedPart>& parts);
// CompleteMultipartUpload: a 200 may carry an <Error>, which is then the answer (`retry`, as nothing is known).
Result<std::string> parse_completed(ByteView xml);  // the ETag without quotes

Result<std::string> parse_location(ByteView xml);  // GetBucketLocation: the region (AWS writes us-east-1 as "")
enum class Versioning { never, enabled, suspended };
Result<Versioning> parse_versioning(ByteView xml);

}  // namespace bae::s3
