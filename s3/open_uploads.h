#pragma once
// Multipart uploads that were begun and not completed: finding, reading and ending them. Private to s3.
#include "s3/s3_requests.h"

namespace bae::s3 {

// Those of exactly this path, the newest first, at most a hundred. None where the server cannot or may not tell.
Result<std::vector<OpenUpload>> open_uploads_of(S3Requests& requests, std::string_view path);
Result<std::string> begin_upload(S3Requests& requests, std::string_view path);  // its id
// Absent: the upload is gone, or the server does not tell.
Result<std::optional<std::vector<UploadedPart>>> parts_of(S3Requests& requests, std::string_view path,
                                                          const std::string& upload_id);
Result<void> abort_upload(S3Requests& requests, std::string_view path, const std::string& upload_id);
bool is_gone(const S3Reply& reply);  // NoSuchUpload

}  // namespace bae::s3
