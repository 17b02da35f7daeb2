// What S3 servers answer in XML is refused, or read within the limits; what was read of a listing means the same when
// it is written again. The same bytes as the body of a failed request give a verdict that can be shown to people.
#include <algorithm>
#include <string_view>

#include "s3/s3_answer.h"
#include "s3/s3_place.h"

using namespace bae;
using namespace bae::s3;

static std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '&' || c == '<' || c == '>' || c == '\r' || c == '"')
            out += "&#" + std::to_string(static_cast<int>(c)) + ";";
        else
            out += c;
    }
    return out;
}

static std::string element(std::string_view name, std::string_view inside) {
    return "<" + std::string(name) + ">" + std::string(inside) + "</" + std::string(name) + ">";
}

static std::string written(const ListAnswer& answer) {
    std::string out;
    for (const ListedKey& key : answer.keys)
        out += element("Contents", element("Key", escaped(key.key)) + element("Size", std::to_string(key.size)) +
                                       element("ETag", "&quot;" + escaped(key.etag) + "&quot;"));
    out += element("IsTruncated", answer.truncated ? "true" : "false");
    return element("ListBucketResult", out + element("NextContinuationToken", escaped(answer.next_token)));
}

static bool same(const ListAnswer& a, const ListAnswer& b) {
    return a.truncated == b.truncated && a.next_token == b.next_token &&
           std::equal(a.keys.begin(), a.keys.end(), b.keys.begin(), b.keys.end(),
                      [](const ListedKey& x, const ListedKey& y) {
                          return x.key == y.key && x.size == y.size && x.etag == y.etag;
                      });
}

static void check_list(ByteView xml) {
    const auto answer = parse_list(xml);
    if (!answer) return;
    CHECK(answer->keys.size() <= 10'000 && (!answer->truncated || !answer->next_token.empty()));
    for (const ListedKey& key : answer->keys) CHECK(!key.key.empty() && key.modified_ms >= 0);
    // A listing that was read by decoding its keys may hold NUL bytes, which XML cannot.
    const std::string text = written(*answer);
    if (text.find('\0') != std::string::npos || text.size() > kMaxXmlBytes) return;
    const auto again = parse_list(as_bytes(text));
    CHECK(again && same(*again, *answer));
}

static void check_multipart(ByteView xml) {
    if (const auto parts = parse_parts(xml)) {
        CHECK(parts->parts.size() <= 10'000);
        for (const UploadedPart& part : parts->parts) CHECK(part.number >= 1 && part.number <= 10'000);
    }
    if (const auto uploads = parse_uploads(xml)) {
        CHECK(uploads->uploads.size() <= 10'000 && (!uploads->truncated || !uploads->next_key.empty()));
        for (const OpenUpload& upload : uploads->uploads) CHECK(!upload.key.empty() && !upload.upload_id.empty());
    }
    if (const auto id = parse_upload_id(xml)) CHECK(!id->empty());
    if (const auto completed = parse_completed(xml)) CHECK(!parse_error(xml));
}

static void check_verdict(ByteView body, int status) {
    const Verdict verdict =
        verdict_of({status, {{"x-amz-bucket-region", std::string(as_text(body))}}, to_bytes(body)}, "GET", 0);
    CHECK(verdict.region.empty() || is_region(verdict.region));
    CHECK(verdict.endpoint.empty() || is_authority(verdict.endpoint));
    CHECK(verdict.error.message.size() < 1000);
    for (const char c : verdict.error.message + verdict.code) CHECK(c >= 0x20 && c <= 0x7e);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const ByteView xml = std::as_bytes(std::span(data, size));
    check_list(xml);
    check_multipart(xml);
    if (const auto region = parse_location(xml)) CHECK(is_region(*region));
    if (const auto status = parse_versioning(xml)) CHECK(*status <= Versioning::suspended);
    for (const int status : {301, 400, 403, 404, 409, 503}) check_verdict(xml, status);
    if (const auto ms = http_date_ms(as_text(xml))) CHECK(*ms >= 0);
    return 0;
}
