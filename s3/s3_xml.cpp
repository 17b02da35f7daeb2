#include "s3/s3_xml.h"

#include <charconv>
#include <pugixml.hpp>

#include "s3/foreign_text.h"
#include "s3/s3_place.h"
#include "s3/utc_time.h"
#include "s3/xml_shape.h"

namespace bae::s3 {
namespace {

using Node = pugi::xml_node;

constexpr size_t kMaxEntries = 10'000;
constexpr size_t kMaxErrorText = 1024;
constexpr size_t kMaxMarker = 8 * 1024;  // of what goes into the address of a later request
constexpr uint32_t kMaxPartNumber = 10'000;

tl::unexpected<Error> refuse(std::string why) { return fail(ErrorKind::corrupt, "XML: " + std::move(why)); }

std::string_view local_name(const Node& node) {
    const std::string_view name = node.name();
    return name.substr(name.rfind(':') + 1);
}

Node child(const Node& node, std::string_view name) {
    for (const Node& each : node.children())
        if (local_name(each) == name) return each;
    return {};
}

std::string text_of(const Node& node) {  // comments may stand between its parts
    std::string out;
    for (const Node& each : node.children())
        if (each.type() == pugi::node_pcdata || each.type() == pugi::node_cdata) out += each.value();
    return out;
}

std::string text(const Node& node, std::string_view name) { return text_of(child(node, name)); }

std::string trimmed(const std::string& text) {
    constexpr std::string_view kSpace = " \t\r\n";
    const size_t from = text.find_first_not_of(kSpace);
    if (from == std::string::npos) return {};
    return text.substr(from, text.find_last_not_of(kSpace) - from + 1);
}

// For all but keys: white space around it means nothing.
std::string word(const Node& node, std::string_view name) { return trimmed(text(node, name)); }

Result<std::string> marker(std::string text, std::string_view name) {
    if (text.size() > kMaxMarker) return refuse("<" + std::string(name) + "> has more than 8 KiB");
    return text;
}

bool is_true(const Node& node, std::string_view name) {
    const std::string value = word(node, name);
    return value == "true" || value == "True" || value == "TRUE" || value == "1";
}

template <class Number>
Result<Number> number(const Node& node, std::string_view name, Number max) {
    const std::string digits = word(node, name);
    Number value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (digits.empty() || error != std::errc() || end != digits.data() + digits.size() || value > max)
        return refuse("<" + std::string(name) + "> is \"" + shown(digits) + "\"");
    return value;
}

int digit_of(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

// What is no escape stays as it is: some servers claim to encode and do not.
std::string url_decoded(std::string_view text) {
    std::string out;
    for (size_t i = 0; i < text.size(); i++) {
        const int high = text[i] == '%' && i + 2 < text.size() ? digit_of(text[i + 1]) : -1;
        const int low = high >= 0 ? digit_of(text[i + 2]) : -1;
        if (low >= 0) {
            out += static_cast<char>(high * 16 + low);
            i += 2;
        } else {
            out += text[i] == '+' ? ' ' : text[i];
        }
    }
    return out;
}

Result<void> load(pugi::xml_document& document, ByteView xml) {
    TRY(check_xml_shape(as_text(xml)));
    // The encoding is named, because a guessed UTF-16 would be other text than what was checked.
    const auto parsed = document.load_buffer(
        xml.data(), xml.size(),
        pugi::parse_cdata | pugi::parse_escapes | pugi::parse_eol | pugi::parse_ws_pcdata_single, pugi::encoding_utf8);
    if (!parsed) return refuse(std::string(parsed.description()) + " at byte " + std::to_string(parsed.offset));
    return {};
}

Result<Node> load_root(pugi::xml_document& document, ByteView xml, std::string_view name) {
    TRY(load(document, xml));
    const Node root = document.document_element();
    if (local_name(root) == name) return root;
    const std::string code = local_name(root) == "Error" ? ": " + shown(word(root, "Code")) : std::string();
    return refuse("<" + std::string(name) + "> expected, <" + shown(local_name(root)) + "> answered" + code);
}

// Calls `take` for every child of that name, at most kMaxEntries.
template <class Take>
Result<void> each_entry(const Node& root, std::string_view name, const Take& take) {
    size_t seen = 0;
    for (const Node& node : root.children()) {
        if (local_name(node) != name) continue;
        if (++seen > kMaxEntries) return refuse("more than 10,000 <" + std::string(name) + ">");
        TRY(take(node));
    }
    return {};
}

// A listing that ends too soon is a library that lost something: what is not understood is not taken for its end.
Result<bool> more_follow(const Node& root) {
    if (is_true(root, "IsTruncated")) return true;
    const std::string value = word(root, "IsTruncated");
    if (value.empty()) return !word(root, "NextContinuationToken").empty();
    if (value == "false" || value == "False" || value == "FALSE" || value == "0") return false;
    return refuse("<IsTruncated> is \"" + shown(value) + "\"");
}

class KeyText {  // keys as they are, or URL-encoded if the answer says so
  public:
    explicit KeyText(const Node& root) : is_encoded_(word(root, "EncodingType") == "url") {}
    std::string of(const Node& node, std::string_view name) const {
        return is_encoded_ ? url_decoded(text(node, name)) : text(node, name);
    }
    Result<std::string> required(const Node& node) const {
        std::string key = of(node, "Key");
        if (key.empty()) return refuse("an entry has no <Key>");
        return key;
    }

  private:
    bool is_encoded_;
};

Result<ListedKey> listed_key(const Node& node, const KeyText& keys) {
    ListedKey out;
    out.key = TRY(keys.required(node));
    out.size = TRY_CONTEXT(number<uint64_t>(node, "Size", UINT64_MAX), shown(out.key));
    out.etag = unquoted(word(node, "ETag"));
    out.modified_ms = iso_date_ms(word(node, "LastModified")).value_or(0);
    return out;
}

Result<UploadedPart> uploaded_part(const Node& node) {
    UploadedPart out;
    out.number = TRY(number<uint32_t>(node, "PartNumber", kMaxPartNumber));
    out.size = TRY(number<uint64_t>(node, "Size", UINT64_MAX));
    out.etag = unquoted(word(node, "ETag"));
    if (out.number == 0 || out.etag.empty()) return refuse("a part has no number or no <ETag>");
    return out;
}

Result<OpenUpload> open_upload(const Node& node, const KeyText& keys) {
    OpenUpload out;
    out.key = TRY(keys.required(node));
    out.upload_id = TRY(marker(word(node, "UploadId"), "UploadId"));
    out.started_ms = iso_date_ms(word(node, "Initiated")).value_or(0);
    if (out.upload_id.empty()) return refuse(shown(out.key) + ": an upload has no <UploadId>");
    return out;
}

std::string xml_escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '&')
            out += "&amp;";
        else if (c == '<')
            out += "&lt;";
        else if (c == '>')
            out += "&gt;";
        else
            out += c;
    }
    return out;
}

S3ErrorBody error_body(const Node& node) {
    const auto field = [&](std::string_view name) { return word(node, name).substr(0, kMaxErrorText); };
    return {field("Code"), field("Message"), field("Region"), field("Endpoint"), field("RequestId")};
}

}  // namespace

std::string unquoted(std::string_view etag) {
    if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"') etag = etag.substr(1, etag.size() - 2);
    return std::string(etag);
}

std::optional<S3ErrorBody> parse_error(ByteView xml) {
    pugi::xml_document document;
    if (!load(document, xml)) return std::nullopt;
    Node root = document.document_element();
    if (local_name(root) == "ErrorResponse") root = child(root, "Error");
    if (local_name(root) != "Error") return std::nullopt;
    return error_body(root);
}

Result<ListAnswer> parse_list(ByteView xml) {
    pugi::xml_document document;
    const Node root = TRY(load_root(document, xml, "ListBucketResult"));
    const KeyText keys(root);
    ListAnswer out;
    TRY(each_entry(root, "Contents", [&](const Node& node) -> Result<void> {
        out.keys.push_back(TRY(listed_key(node, keys)));
        return {};
    }));
    out.truncated = TRY(more_follow(root));
    if (out.truncated) out.next_token = TRY(marker(text(root, "NextContinuationToken"), "NextContinuationToken"));
    if (out.truncated && out.next_token.empty())
        return refuse(
            "more objects follow, but no <NextContinuationToken> says where (is it a server with ListObjectsV2?)");
    return out;
}

Result<std::string> parse_upload_id(ByteView xml) {
    pugi::xml_document document;
    const Node root = TRY(load_root(document, xml, "InitiateMultipartUploadResult"));
    std::string id = TRY(marker(word(root, "UploadId"), "UploadId"));
    if (id.empty()) return refuse("it has no <UploadId>");
    return id;
}

Result<PartsAnswer> parse_parts(ByteView xml) {
    pugi::xml_document document;
    const Node root = TRY(load_root(document, xml, "ListPartsResult"));
    PartsAnswer out;
    TRY(each_entry(root, "Part", [&](const Node& node) -> Result<void> {
        out.parts.push_back(TRY(uploaded_part(node)));
        return {};
    }));
    out.truncated = is_true(root, "IsTruncated");
    if (out.truncated) out.next_number = TRY(number<uint32_t>(root, "NextPartNumberMarker", kMaxPartNumber));
    return out;
}

Result<UploadsAnswer> parse_uploads(ByteView xml) {
    pugi::xml_document document;
    const Node root = TRY(load_root(document, xml, "ListMultipartUploadsResult"));
    const KeyText keys(root);
    UploadsAnswer out;
    TRY(each_entry(root, "Upload", [&](const Node& node) -> Result<void> {
        out.uploads.push_back(TRY(open_upload(node, keys)));
        return {};
    }));
    out.truncated = is_true(root, "IsTruncated");
    if (!out.truncated) return out;
    out.next_key = TRY(marker(keys.of(root, "NextKeyMarker"), "NextKeyMarker"));
    out.next_upload_id = TRY(marker(word(root, "NextUploadIdMarker"), "NextUploadIdMarker"));
    if (out.next_key.empty()) return refuse("more uploads follow, but no <NextKeyMarker> says where");
    return out;
}

std::string complete_upload_xml(const std::vector<UploadedPart>& parts) {
    std::string out = "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
    for (const UploadedPart& part : parts)
        out += "<Part><PartNumber>" + std::to_string(part.number) + "</PartNumber><ETag>&quot;" +
               xml_escaped(part.etag) + "&quot;</ETag></Part>";
    return out + "</CompleteMultipartUpload>";
}

Result<std::string> parse_completed(ByteView xml) {
    if (const auto error = parse_error(xml))
        return fail(ErrorKind::retry, "the server could not put the parts together (" + shown(error->code) + ": " +
                                          shown(error->message) + ")");
    pugi::xml_document document;
    const Node root = TRY(load_root(document, xml, "CompleteMultipartUploadResult"));
    return unquoted(word(root, "ETag"));
}

Result<std::string> parse_location(ByteView xml) {
    pugi::xml_document document;
    const Node root = TRY(load_root(document, xml, "LocationConstraint"));
    const std::string region = trimmed(text_of(root));
    if (region.empty()) return std::string("us-east-1");
    if (region == "EU") return std::string("eu-west-1");  // buckets of the first years
    if (!is_region(region)) return refuse("<LocationConstraint> is \"" + shown(region) + "\"");
    return region;
}

Result<Versioning> parse_versioning(ByteView xml) {
    pugi::xml_document document;
    const Node root = TRY(load_root(document, xml, "VersioningConfiguration"));
    const std::string status = word(root, "Status");
    if (status.empty()) return Versioning::never;
    if (status == "Enabled") return Versioning::enabled;
    if (status == "Suspended") return Versioning::suspended;
    return refuse("<Status> is \"" + shown(status) + "\"");
}

}  // namespace bae::s3
