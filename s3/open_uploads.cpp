#include "s3/open_uploads.h"

#include <algorithm>

#include "s3/multipart.h"
#include "s3/s3_object.h"

namespace bae::s3 {

static constexpr int kMaxPages = 20;
static constexpr size_t kMaxUploads = 100;  // each costs requests

bool is_gone(const S3Reply& reply) { return reply.answer.status == 404 && reply.verdict.code == "NoSuchUpload"; }

Result<std::vector<OpenUpload>> open_uploads_of(S3Requests& requests, std::string_view path) {
    const std::string key = requests.key_of(path);
    std::vector<OpenUpload> out;
    Query marker;
    for (int page = 0; page < kMaxPages; page++) {
        S3Request request{.kind = S3Request::Kind::list, .query = marker, .max_body = kMaxXmlBytes};
        request.query.emplace_back("uploads", "");
        request.query.emplace_back("prefix", key);
        const S3Reply reply = TRY(requests.send(std::move(request)));
        if (reply.verdict.next == Verdict::Next::no_bucket) return refusal(requests, reply, path);
        const auto answer = parse_uploads(reply.answer.body);
        if (!reply.is_done() || !answer) break;
        for (const OpenUpload& upload : answer->uploads)
            if (upload.key == key) out.push_back(upload);
        if (!answer->truncated) break;
        marker = {{"key-marker", answer->next_key}, {"upload-id-marker", answer->next_upload_id}};
    }
    std::stable_sort(out.begin(), out.end(),
                     [](const OpenUpload& a, const OpenUpload& b) { return a.started_ms > b.started_ms; });
    if (out.size() > kMaxUploads) out.resize(kMaxUploads);
    return out;
}

Result<std::string> begin_upload(S3Requests& requests, std::string_view path) {
    const S3Reply reply = TRY(requests.send(
        {.kind = S3Request::Kind::put, .method = "POST", .path = std::string(path), .query = {{"uploads", ""}}}));
    if (!reply.is_done()) return refusal(requests, reply, path);
    return TRY_CONTEXT(parse_upload_id(reply.answer.body), path);
}

Result<std::optional<std::vector<UploadedPart>>> parts_of(S3Requests& requests, std::string_view path,
                                                          const std::string& upload_id) {
    std::vector<UploadedPart> out;
    uint32_t after = 0;
    for (;;) {
        S3Request request{.kind = S3Request::Kind::list, .path = std::string(path), .max_body = kMaxXmlBytes};
        request.query = {{"uploadId", upload_id}};
        if (after > 0) request.query.emplace_back("part-number-marker", std::to_string(after));
        const S3Reply reply = TRY(requests.send(std::move(request)));
        const auto answer = parse_parts(reply.answer.body);
        if (!reply.is_done() || !answer) return std::optional<std::vector<UploadedPart>>();
        out.insert(out.end(), answer->parts.begin(), answer->parts.end());
        if (!answer->truncated) return std::optional(std::move(out));
        if (answer->next_number <= after || out.size() > kMaxParts) return std::optional<std::vector<UploadedPart>>();
        after = answer->next_number;
    }
}

Result<void> abort_upload(S3Requests& requests, std::string_view path, const std::string& upload_id) {
    const S3Reply reply = TRY(requests.send({.kind = S3Request::Kind::remove,
                                             .method = "DELETE",
                                             .path = std::string(path),
                                             .query = {{"uploadId", upload_id}}}));
    if (reply.is_done() || is_gone(reply) || reply.verdict.next == Verdict::Next::not_found) return {};
    return refusal(requests, reply, path);
}

}  // namespace bae::s3
