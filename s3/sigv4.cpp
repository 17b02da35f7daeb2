#include "s3/sigv4.h"

#include <algorithm>
#include <map>

#include "s3/utc_time.h"

namespace bae::s3 {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";

bool is_unreserved(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_' || c == '~';
}

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// Without space around it, and one space for each run of it within.
std::string squeezed(std::string_view value) {
    std::string out;
    for (const char c : value) {
        if (!is_space(c))
            out += c;
        else if (!out.empty() && out.back() != ' ')
            out += ' ';
    }
    if (out.ends_with(' ')) out.pop_back();
    return out;
}

std::map<std::string, std::string> canonical_headers(const Headers& headers) {
    std::map<std::string, std::string> out;
    for (const auto& [name, value] : headers) {
        const auto [at, is_new] = out.emplace(name, squeezed(value));
        if (!is_new) at->second += "," + squeezed(value);
    }
    return out;
}

bool has(const Headers& headers, std::string_view name) {
    return std::any_of(headers.begin(), headers.end(), [&](const auto& header) { return header.first == name; });
}

// key = HMAC(key, message), leaving no earlier key behind.
void mix_in(crypto::Hash256& key, std::string_view message) {
    crypto::Hash256 next = crypto::hmac_sha256(key.view(), as_bytes(message));
    crypto::wipe(key.bytes);
    key = next;
    crypto::wipe(next.bytes);
}

crypto::Hash256 signing_key(const crypto::SecretBytes& secret_key, const SigningScope& scope) {
    constexpr std::string_view kPrefix = "AWS4";
    crypto::SecretBytes first(kPrefix.size() + secret_key.size());
    const ByteSpan out = first.span();
    std::copy_n(as_bytes(kPrefix).begin(), kPrefix.size(), out.begin());
    std::copy_n(secret_key.view().begin(), secret_key.size(), out.begin() + kPrefix.size());
    crypto::Hash256 key = crypto::hmac_sha256(first.view(), as_bytes(scope.date.substr(0, 8)));
    mix_in(key, scope.region);
    mix_in(key, scope.service);
    mix_in(key, "aws4_request");
    return key;
}

std::string signature_of(const SignedRequest& request, const SigningScope& scope, const S3Credentials& credentials) {
    return signature_of(string_to_sign(canonical_request(request), scope), scope, credentials.secret_key);
}

}  // namespace

std::string uri_encoded(std::string_view text, bool encode_slash) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        if (is_unreserved(c) || (c == '/' && !encode_slash)) {
            out += c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        out += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
    return out;
}

std::string encoded_query(const Query& query) {
    Query encoded;
    for (const auto& [name, value] : query) encoded.emplace_back(uri_encoded(name, true), uri_encoded(value, true));
    std::sort(encoded.begin(), encoded.end());
    std::string out;
    for (const auto& [name, value] : encoded) {
        if (!out.empty()) out += '&';
        out.append(name).append("=").append(value);
    }
    return out;
}

std::string SigningScope::text() const { return date.substr(0, 8) + "/" + region + "/" + service + "/aws4_request"; }

std::string signed_header_names(const Headers& headers) {
    std::string out;
    for (const auto& [name, value] : canonical_headers(headers)) {
        if (!out.empty()) out += ';';
        out += name;
    }
    return out;
}

std::string canonical_request(const SignedRequest& request) {
    std::string out = request.method + "\n" + uri_encoded(request.path, false) + "\n";
    out += encoded_query(request.query) + "\n";
    for (const auto& [name, value] : canonical_headers(request.headers)) {
        out.append(name).append(":").append(value).append("\n");
    }
    return out + "\n" + signed_header_names(request.headers) + "\n" + request.payload;
}

std::string string_to_sign(std::string_view canonical_request, const SigningScope& scope) {
    return std::string(kAlgorithm) + "\n" + scope.date + "\n" + scope.text() + "\n" +
           hex_encode(crypto::sha256(as_bytes(canonical_request)).view());
}

std::string signature_of(std::string_view string_to_sign, const SigningScope& scope,
                         const crypto::SecretBytes& secret_key) {
    crypto::Hash256 key = signing_key(secret_key, scope);
    const crypto::Hash256 signature = crypto::hmac_sha256(key.view(), as_bytes(string_to_sign));
    crypto::wipe(key.bytes);
    return hex_encode(signature.view());
}

Headers signed_headers(const SignedRequest& request, const S3Credentials& credentials, std::string_view region,
                       std::string_view service, int64_t now_ms) {
    const SigningScope scope{amz_date(now_ms), std::string(region), std::string(service)};
    SignedRequest signing = request;
    signing.headers.emplace_back("x-amz-date", scope.date);
    if (!has(request.headers, "x-amz-content-sha256"))
        signing.headers.emplace_back("x-amz-content-sha256", request.payload);
    if (!credentials.session_token.empty())
        signing.headers.emplace_back("x-amz-security-token", as_text(credentials.session_token.view()));
    const std::string names = signed_header_names(signing.headers);
    const std::string signature = signature_of(signing, scope, credentials);
    signing.headers.emplace_back("authorization", std::string(kAlgorithm) + " Credential=" + credentials.access_key +
                                                      "/" + scope.text() + ", SignedHeaders=" + names +
                                                      ", Signature=" + signature);
    return std::move(signing.headers);
}

Query presigned_query(const SignedRequest& request, const S3Credentials& credentials, std::string_view region,
                      std::string_view service, int64_t now_ms, int64_t expires_s) {
    const SigningScope scope{amz_date(now_ms), std::string(region), std::string(service)};
    SignedRequest signing = request;
    std::erase_if(signing.headers, [](const auto& header) { return header.first != "host"; });
    signing.payload = "UNSIGNED-PAYLOAD";
    signing.query.emplace_back("X-Amz-Algorithm", kAlgorithm);
    signing.query.emplace_back("X-Amz-Credential", credentials.access_key + "/" + scope.text());
    signing.query.emplace_back("X-Amz-Date", scope.date);
    signing.query.emplace_back("X-Amz-Expires", std::to_string(expires_s));
    signing.query.emplace_back("X-Amz-SignedHeaders", "host");
    if (!credentials.session_token.empty())
        signing.query.emplace_back("X-Amz-Security-Token", as_text(credentials.session_token.view()));
    const std::string signature = signature_of(signing, scope, credentials);
    signing.query.emplace_back("X-Amz-Signature", signature);
    return std::move(signing.query);
}

}  // namespace bae::s3
