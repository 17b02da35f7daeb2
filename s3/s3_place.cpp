#include "s3/s3_place.h"

#include <algorithm>
#include <array>
#include <optional>

#include "crypto/base/bytes.h"
#include "s3/endpoint.h"
#include "s3/foreign_text.h"

namespace bae::s3 {
namespace {

constexpr std::string_view kScheme = "s3://";
constexpr std::string_view kForm = "s3://BUCKET/PREFIX?endpoint=https://HOST:PORT&region=REGION";
constexpr size_t kMaxUrl = 2048;
constexpr size_t kMaxPrefix = 511;  // a key has 1024 bytes, a path of ours 512, and a slash stands between
constexpr size_t kMaxSegment = 255;
constexpr size_t kMaxRegion = 64;

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_prefix_byte(char c) { return is_lower(c) || is_upper(c) || is_digit(c) || c == '.' || c == '_' || c == '-'; }

bool is_address(std::string_view name) {  // S3 refuses buckets that look like "192.0.2.1"
    return std::count(name.begin(), name.end(), '.') == 3 &&
           std::all_of(name.begin(), name.end(), [](char c) { return is_digit(c) || c == '.'; });
}

bool is_prefix_segment(std::string_view name) {
    return !name.empty() && name.size() <= kMaxSegment && name != "." && name != ".." &&
           std::all_of(name.begin(), name.end(), is_prefix_byte);
}

bool is_prefix(std::string_view prefix) {
    if (prefix.size() > kMaxPrefix) return false;
    for (size_t slash = 0; slash != std::string_view::npos;) {
        slash = prefix.find('/');
        if (!is_prefix_segment(prefix.substr(0, slash))) return false;
        if (slash != std::string_view::npos) prefix.remove_prefix(slash + 1);
    }
    return true;
}

tl::unexpected<Error> refuse(std::string why) { return fail(ErrorKind::invalid_input, std::move(why)); }

tl::unexpected<Error> refuse_credentials() {
    return refuse(
        "credentials do not belong into the address of a bucket, where others see them: they are taken from "
        "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or asked for (" +
        std::string(kForm) + ")");
}

Result<std::string> percent_decoded(std::string_view text, std::string_view name) {
    std::string out;
    for (size_t i = 0; i < text.size(); i++) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        std::array<std::byte, 1> byte{};
        std::string digits(text.substr(i + 1, 2));
        for (char& c : digits) c = is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
        if (!hex_decode_into(digits, byte))
            return refuse(std::string(name) + ": a '%' is not followed by two hex digits");
        out += static_cast<char>(byte[0]);
        i += 2;
    }
    return out;
}

Result<void> parse_location(std::string_view text, S3Place& place) {
    // A secret may be anywhere before or behind these, so nothing is quoted.
    if (text.find('@') != std::string_view::npos) return refuse_credentials();
    if (text.find(':') != std::string_view::npos)
        return refuse("after s3:// stands the bucket, without a port: a server's address goes into endpoint= (" +
                      std::string(kForm) + ")");
    const size_t slash = text.find('/');
    place.bucket = text.substr(0, slash);
    if (!is_bucket_name(place.bucket))
        return refuse("\"" + shown(place.bucket) +
                      "\" is no bucket name: 3 to 63 of a-z, 0-9, '-' and '.', beginning and ending with a letter or a "
                      "digit, no two dots in a row, no IP address");
    std::string_view prefix = slash == std::string_view::npos ? std::string_view() : text.substr(slash + 1);
    const bool has_prefix = !prefix.empty();
    if (prefix.ends_with('/')) prefix.remove_suffix(1);
    if (has_prefix && !is_prefix(prefix))
        return refuse("prefix \"" + shown(prefix) +
                      "\": at most 511 characters, names of A-Z, a-z, 0-9, '.', '_' and '-' with one '/' between them");
    place.prefix = prefix;
    return {};
}

Result<void> set_region(std::string_view value, S3Place& place) {
    const bool is_of_aws = std::all_of(value.begin(), value.end(), [](char c) { return !is_upper(c) && c != '_'; });
    if (!is_region(value))
        return refuse("region \"" + shown(value) + "\" is none (like eu-central-1 or auto; leave it out if unsure)");
    if (place.endpoint.empty() && !is_of_aws)
        return refuse("region \"" + std::string(value) +
                      "\" is none of AWS (like eu-central-1), and other servers need endpoint=");
    place.region = value;
    return {};
}

bool sounds_like_credentials(std::string_view name) {
    std::string lower(name);
    for (char& c : lower) c = is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
    constexpr std::array<std::string_view, 6> kWords{"key", "secret", "token", "password", "credential", "user"};
    return std::any_of(kWords.begin(), kWords.end(), [&](auto word) { return lower.find(word) != std::string::npos; });
}

tl::unexpected<Error> refuse_parameter(std::string_view name) {
    if (sounds_like_credentials(name)) return refuse_credentials();
    const bool is_word = name.size() <= 20 && std::all_of(name.begin(), name.end(), [](char c) { return is_lower(c); });
    return refuse("unknown parameter" + (is_word ? " \"" + std::string(name) + "\"" : std::string()) +
                  ": there are endpoint=, region= and style=");
}

struct Parameters {
    std::optional<std::string> endpoint, region, style;
};

Result<Parameters> split_query(std::string_view query) {
    Parameters out;
    while (!query.empty()) {
        const size_t end = std::min(query.find('&'), query.size());
        const std::string_view part = query.substr(0, end);
        const std::string_view name = part.substr(0, part.find('='));
        std::optional<std::string>* place = nullptr;
        if (name == "endpoint") place = &out.endpoint;
        if (name == "region") place = &out.region;
        if (name == "style") place = &out.style;
        if (place == nullptr) return refuse_parameter(name);
        if (place->has_value()) return refuse(std::string(name) + " is there twice");
        *place = TRY(percent_decoded(part.substr(std::min(name.size() + 1, part.size())), name));
        query.remove_prefix(std::min(end + 1, query.size()));
    }
    return out;
}

S3Place::Style default_style(const S3Place& place) {
    const bool is_virtual = place.endpoint.empty() && place.bucket.find('.') == std::string::npos;
    return is_virtual ? S3Place::Style::virtual_host : S3Place::Style::path;
}

Result<void> set_style(const std::optional<std::string>& value, S3Place& place) {
    place.style = default_style(place);
    if (!value) return {};
    if (*value != "path" && *value != "virtual")
        return refuse("style \"" + shown(*value) +
                      "\" is neither path (https://host/bucket/...) nor virtual (https://bucket.host/...)");
    place.style = *value == "path" ? S3Place::Style::path : S3Place::Style::virtual_host;
    if (place.style == S3Place::Style::path || place.endpoint.empty()) return {};
    const Authority authority = authority_of(place.endpoint);
    if (!parse_authority(place.bucket + "." + authority.host))
        return refuse("style=virtual makes it " + place.bucket + "." + authority.host +
                      ", which is no host name: leave style out");
    return {};
}

std::string aws_host(std::string_view region) {
    const std::string in = region.empty() ? "us-east-1" : std::string(region);
    return "s3." + in + (in.starts_with("cn-") ? ".amazonaws.com.cn" : ".amazonaws.com");
}

}  // namespace

bool is_bucket_name(std::string_view name) {
    const auto is_end = [](char c) { return is_lower(c) || is_digit(c); };
    return name.size() >= 3 && name.size() <= 63 && is_end(name.front()) && is_end(name.back()) &&
           std::all_of(name.begin(), name.end(), [&](char c) { return is_end(c) || c == '.' || c == '-'; }) &&
           name.find("..") == std::string_view::npos && !is_address(name);
}

bool is_region(std::string_view name) {
    return !name.empty() && name.size() <= kMaxRegion &&
           std::all_of(name.begin(), name.end(), [](char c) { return is_prefix_byte(c) && c != '.'; });
}

bool is_authority(std::string_view text) { return parse_authority(text).has_value(); }

Result<S3Place> parse_s3_url(std::string_view url) {
    if (!url.starts_with(kScheme)) return refuse("the address of a bucket has the form " + std::string(kForm));
    if (url.size() > kMaxUrl) return refuse("the address of a bucket has at most 2048 characters");
    url.remove_prefix(kScheme.size());
    const size_t question = std::min(url.find('?'), url.size());
    S3Place place;
    TRY(parse_location(url.substr(0, question), place));
    const Parameters parameters = TRY(split_query(url.substr(std::min(question + 1, url.size()))));
    if (parameters.endpoint) place.endpoint = TRY(canonical_endpoint(*parameters.endpoint));
    if (parameters.region) TRY(set_region(*parameters.region, place));
    TRY(set_style(parameters.style, place));
    if (const std::string host = host_of(place).host; !is_authority(host))
        return refuse("they make it " + host + ", which is no host name: correct region, leave style out");
    return place;
}

std::string url_of(const S3Place& place) {
    std::string out = std::string(kScheme) + place.bucket;
    if (!place.prefix.empty()) out += "/" + place.prefix;
    char separator = '?';
    const auto add = [&](std::string_view name, std::string_view value) {
        out.append(1, separator).append(name).append("=").append(value);
        separator = '&';
    };
    if (!place.endpoint.empty()) add("endpoint", place.endpoint);
    if (!place.region.empty()) add("region", place.region);
    if (place.style != default_style(place)) add("style", place.style == S3Place::Style::path ? "path" : "virtual");
    return out;
}

S3Host host_of(const S3Place& place) {
    const std::string endpoint = place.endpoint.empty() ? "https://" + aws_host(place.region) : place.endpoint;
    const size_t authority = endpoint.find("://") + 3;
    const bool is_path = place.style == S3Place::Style::path;
    S3Host out;
    out.host = (is_path ? "" : place.bucket + ".") + endpoint.substr(authority);
    out.origin = endpoint.substr(0, authority) + out.host;
    out.path = is_path ? "/" + place.bucket : "";
    return out;
}

}  // namespace bae::s3
