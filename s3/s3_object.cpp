#include "s3/s3_object.h"

#include <charconv>

namespace bae::s3 {
namespace {

std::optional<uint64_t> number(std::string_view text) {
    uint64_t value = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
    return value;
}

}  // namespace

tl::unexpected<Error> refusal(const S3Requests& requests, const S3Reply& reply, std::string_view path) {
    const std::string place = url_of(requests.options().place);
    if (reply.verdict.next == Verdict::Next::not_found && !path.empty())
        return fail(ErrorKind::not_found, std::string(path) + " is not in " + place);
    if (reply.verdict.next == Verdict::Next::no_bucket && path.empty())
        return fail(ErrorKind::not_found, place + ": " + reply.verdict.error.message);
    if (reply.is_done())
        return fail(ErrorKind::corrupt,
                    std::string(path) + ": status " + std::to_string(reply.answer.status) + " is no answer to that");
    return tl::unexpected(context(reply.verdict.error, path.empty() ? place : std::string(path)));
}

std::optional<ContentRange> parse_content_range(std::string_view text) {
    constexpr std::string_view kUnit = "bytes ";
    if (!text.starts_with(kUnit)) return std::nullopt;
    text.remove_prefix(kUnit.size());
    const size_t slash = text.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    const std::string_view range = text.substr(0, slash);
    ContentRange out{.size = number(text.substr(slash + 1))};
    if (range == "*") return out;
    const size_t dash = range.find('-');
    if (dash == std::string_view::npos) return std::nullopt;
    out.first = number(range.substr(0, dash));
    out.last = number(range.substr(dash + 1));
    if (!out.first || !out.last || *out.first > *out.last || (out.size && *out.last >= *out.size)) return std::nullopt;
    return out;
}

Result<ObjectInfo> stat_object(S3Requests& requests, std::string_view path) {
    const S3Reply reply =
        TRY(requests.send({.kind = S3Request::Kind::stat, .method = "HEAD", .path = std::string(path)}));
    if (!reply.is_done()) return refusal(requests, reply, path);
    const auto size = number(header(reply.answer, "content-length").value_or(""));
    if (!size) return fail(ErrorKind::corrupt, std::string(path) + ": the server does not say how large it is");
    return ObjectInfo{.path = std::string(path),
                      .size = *size,
                      .version = unquoted(header(reply.answer, "etag").value_or("")),
                      .modified_ms = http_date_ms(header(reply.answer, "last-modified").value_or("")).value_or(0)};
}

Result<Bytes> get_object(S3Requests& requests, std::string_view path, uint64_t max_bytes) {
    S3Reply reply = TRY(requests.send({.path = std::string(path), .max_body = max_bytes}));
    if (!reply.is_done() || reply.answer.status != 200) return refusal(requests, reply, path);
    return std::move(reply.answer.body);
}

}  // namespace bae::s3
