#include "s3/create_bucket.h"

#include "s3/s3_object.h"

namespace bae::s3 {
namespace {

constexpr std::string_view kFirstRegion = "us-east-1";  // of AWS, which takes no constraint there

// Only AWS wants to be told the region: elsewhere the endpoint is in one, and a name it does not know is refused.
std::string wanted_region(const S3Place& place) {
    if (!place.endpoint.empty() || place.region.empty() || place.region == kFirstRegion) return "";
    return "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><LocationConstraint>" +
           place.region + "</LocationConstraint></CreateBucketConfiguration>";
}

// Servers other than AWS say of one's own bucket, too, that it exists.
Result<bool> may_be_ours(S3Requests& requests) {
    if (requests.options().place.endpoint.empty()) return false;
    const S3Reply reply =
        TRY(requests.send({.kind = S3Request::Kind::list, .query = {{"list-type", "2"}, {"max-keys", "1"}}}));
    return reply.is_done();
}

}  // namespace

Result<void> create_bucket(S3Requests& requests) {
    const std::string body = wanted_region(requests.options().place);
    const S3Reply reply =
        TRY(requests.send({.kind = S3Request::Kind::put, .method = "PUT", .path = "", .body = as_bytes(body)}));
    const auto error = reply.is_done() ? std::nullopt : parse_error(reply.answer.body);
    if (reply.is_done() || (error && error->code == "BucketAlreadyOwnedByYou")) return {};
    if (error && error->code == "BucketAlreadyExists") {
        if (TRY(may_be_ours(requests))) return {};
        return fail(ErrorKind::conflict, url_of(requests.options().place) +
                                             ": a bucket of that name belongs to somebody else; choose another name");
    }
    return refusal(requests, reply, "");
}

}  // namespace bae::s3
