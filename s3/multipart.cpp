#include "s3/multipart.h"

#include <algorithm>
#include <map>

#include "crypto/base/crash_point.h"
#include "s3/open_uploads.h"
#include "s3/s3_object.h"

namespace bae::s3 {
namespace {

constexpr int kRounds = 3;  // uploads begun in vain: somebody else ends them
constexpr uint64_t kGrain = 1 << 20;

enum class Ending {
    completed,
    gone,   // the upload is no longer there: completed by a lost answer or another process, or aborted
    unfit,  // the server does not take the parts
};

class MultipartUpload {
  public:
    MultipartUpload(S3Requests& requests, std::string_view path, Body& body)
        : requests_(requests),
          path_(path),
          body_(body),
          part_size_(part_size_of(body.size(), requests.options().part_bytes)),
          part_count_((body.size() + part_size_ - 1) / part_size_) {}

    Result<void> run() {
        open_ = TRY(open_uploads_of(requests_, path_));
        for (int round = 0; round < kRounds; round++) {
            TRY(choose());
            const Ending ending = TRY(send_and_complete());
            if (ending == Ending::completed) return finish();
            if (ending == Ending::unfit) TRY(abandon());
            if (ending == Ending::gone && TRY(is_whole())) return finish();
        }
        return fail(ErrorKind::retry, path_ + ": the server forgot the parts that were sent to it");
    }

  private:
    uint64_t size_of_part(uint64_t number) const {
        return std::min(part_size_, body_.size() - (number - 1) * part_size_);
    }

    bool fit(const std::vector<UploadedPart>& parts) const {
        return std::all_of(parts.begin(), parts.end(), [&](const UploadedPart& part) {
            return part.number >= 1 && part.number <= part_count_ && part.size == size_of_part(part.number);
        });
    }

    // The newest open upload that ours could have begun, or a new one.
    Result<void> choose() {
        sent_.clear();
        while (!open_.empty()) {
            upload_id_ = open_.front().upload_id;
            open_.erase(open_.begin());
            const auto parts = TRY(parts_of(requests_, path_, upload_id_));
            if (!parts) continue;
            if (fit(*parts)) {
                for (const UploadedPart& part : *parts) sent_[part.number] = part;
                return {};
            }
            TRY(abandon());
        }
        upload_id_ = TRY(begin_upload(requests_, path_));
        return {};
    }

    // Whoever may not end an upload can begin another: what stays is paid for, and in nobody's way.
    Result<void> abandon() {
        const Result<void> aborted = abort_upload(requests_, path_, upload_id_);
        const bool passes =
            !aborted && (aborted.error().kind == ErrorKind::retry || aborted.error().kind == ErrorKind::cancelled);
        return passes ? aborted : Result<void>();
    }

    Result<Ending> send_and_complete() {
        is_gone_ = false;
        next_number_ = 1;
        const auto sent =
            requests_.send_all([&] { return next_part(); },
                               [&](S3Request& request, const S3Reply& reply) { return take(request, reply); });
        sending_.clear();
        if (is_gone_) return Ending::gone;
        if (!sent) return tl::unexpected(sent.error());
        CRASH_POINT("s3: parts sent, not completed");
        return complete();
    }

    Result<std::unique_ptr<S3Request>> next_part() {
        while (sent_.contains(next_number_)) next_number_++;
        if (next_number_ > part_count_) return nullptr;
        const uint32_t number = next_number_++;
        Part& part = sending_[number];
        part = TRY(read(number));
        auto request = std::make_unique<S3Request>();
        request->kind = S3Request::Kind::put;
        request->method = "PUT";
        request->path = path_;
        request->query = {{"partNumber", std::to_string(number)}, {"uploadId", upload_id_}};
        request->body = ByteView(part.get(), size_of_part(number));
        request->number = number;
        return request;
    }

    using Part = std::unique_ptr<std::byte[]>;

    Result<Part> read(uint32_t number) {
        Part part;
        if (spare_.empty()) {
            part = std::make_unique_for_overwrite<std::byte[]>(part_size_);
        } else {
            part = std::move(spare_.back());
            spare_.pop_back();
        }
        TRY(body_.read((number - 1) * part_size_, ByteSpan(part.get(), size_of_part(number))));
        return part;
    }

    Result<void> take(const S3Request& request, const S3Reply& reply) {
        const auto number = static_cast<uint32_t>(request.number);
        is_gone_ = is_gone(reply);
        if (!reply.is_done()) return refusal(requests_, reply, path_);
        const std::string etag = unquoted(header(reply.answer, "etag").value_or(""));
        if (etag.empty()) return fail(ErrorKind::corrupt, path_ + ": the server does not name the part it was sent");
        spare_.push_back(std::move(sending_.extract(number).mapped()));
        sent_[number] = {.number = number, .size = request.body.size(), .etag = etag};
        CRASH_POINT("s3: part sent");
        return {};
    }

    Result<Ending> complete() {
        std::vector<UploadedPart> parts;
        for (const auto& [number, part] : sent_) parts.push_back(part);
        const std::string xml = complete_upload_xml(parts);
        const S3Reply reply = TRY(requests_.send({.kind = S3Request::Kind::put,
                                                  .method = "POST",
                                                  .path = path_,
                                                  .query = {{"uploadId", upload_id_}},
                                                  .body = as_bytes(xml),
                                                  .may_fail_in_200 = true}));
        if (reply.is_done()) return Ending::completed;
        if (is_gone(reply)) return Ending::gone;
        if (reply.verdict.code.starts_with("InvalidPart") || reply.verdict.code == "EntityTooSmall")
            return Ending::unfit;
        return refusal(requests_, reply, path_);
    }

    Result<bool> is_whole() {
        const auto info = stat_object(requests_, path_);
        if (info) return info->size == body_.size();
        if (info.error().kind == ErrorKind::not_found) return false;
        return tl::unexpected(info.error());
    }

    Result<void> finish() {
        CRASH_POINT("s3: completed, not checked");
        if (!TRY(is_whole()))
            return fail(ErrorKind::corrupt, path_ + ": the server put something else together than it was sent");
        // What other attempts have begun is of no use now, and is paid for.
        for (const OpenUpload& upload : open_)
            if (!abort_upload(requests_, path_, upload.upload_id)) break;
        return {};
    }

    S3Requests& requests_;
    const std::string path_;
    Body& body_;
    const uint64_t part_size_;
    const uint64_t part_count_;
    std::vector<OpenUpload> open_;  // not tried yet
    std::string upload_id_;
    std::map<uint32_t, UploadedPart> sent_;
    std::map<uint32_t, Part> sending_;
    std::vector<Part> spare_;
    uint32_t next_number_ = 1;
    bool is_gone_ = false;
};

}  // namespace

uint64_t part_size_of(uint64_t body_size, uint64_t part_bytes) {
    const uint64_t least = (body_size + kMaxParts - 1) / kMaxParts;
    if (least <= part_bytes) return part_bytes;
    return (least + kGrain - 1) / kGrain * kGrain;
}

Result<void> upload_in_parts(S3Requests& requests, std::string_view path, Body& body) {
    return MultipartUpload(requests, path, body).run();
}

}  // namespace bae::s3
