// The Signature Version 4 test suite of AWS: a folder per case with the request, and each step of both ways to sign it.
//
// S3 normalises no path. Cases with "normalize": true are signed with the path normalised by the test itself, so that
// none is left out. What the suite does not know is x-amz-content-sha256, which S3 wants on every request: the steps
// are therefore compared one by one, and signed_headers() has the examples of the S3 documentation (tests/s3).
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <sstream>

#include "crypto_vectors/vector_files.h"
#include "s3/sigv4.h"
#include "s3/utc_time.h"

namespace bae::s3 {
namespace {

std::string text_of(const std::filesystem::path& path) {
    std::ifstream file(path);
    EXPECT_TRUE(file) << path;
    return {std::istreambuf_iterator<char>(file), {}};
}

std::string decoded(std::string_view text) {
    std::string out;
    for (size_t i = 0; i < text.size(); i++) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        out += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
        i += 2;
    }
    return out;
}

struct Case {
    nlohmann::json context;
    SignedRequest request;  // without what signing adds
    SigningScope scope;
    S3Credentials credentials;

    bool flag(const char* name) const { return context.value(name, false); }
    bool signs_token() const { return !credentials.session_token.empty() && !flag("omit_session_token"); }
    std::string token() const { return std::string(as_text(credentials.session_token.view())); }
};

void read_target(std::string_view target, bool normalize, SignedRequest& request) {
    const size_t question = std::min(target.find('?'), target.size());
    request.path = decoded(target.substr(0, question));
    if (normalize) {
        request.path = std::filesystem::path(request.path).lexically_normal().string();
        if (request.path.starts_with("//")) request.path.erase(0, 1);
    }
    for (std::string_view rest = target.substr(std::min(question + 1, target.size())); !rest.empty();) {
        const std::string_view part = rest.substr(0, rest.find('&'));
        const std::string_view name = part.substr(0, part.find('='));
        request.query.emplace_back(decoded(name), decoded(part.substr(std::min(name.size() + 1, part.size()))));
        rest.remove_prefix(std::min(part.size() + 1, rest.size()));
    }
}

void read_header(const std::string& line, Headers& headers) {
    if (line[0] == ' ') {  // goes on from the line before
        headers.back().second += "\n" + line;
        return;
    }
    const size_t colon = line.find(':');
    std::string name = line.substr(0, colon);
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
    headers.emplace_back(name, line.substr(colon + 1));
}

SignedRequest read_request(const std::string& text, bool normalize) {
    SignedRequest out;
    std::istringstream lines(text);
    std::string line;
    std::getline(lines, line);
    const size_t from = line.find(' ') + 1;
    out.method = line.substr(0, from - 1);
    read_target(line.substr(from, line.rfind(" HTTP/") - from), normalize, out);
    while (std::getline(lines, line) && !line.empty()) read_header(line, out.headers);
    const std::string body(std::istreambuf_iterator<char>(lines), {});
    out.payload = hex_encode(crypto::sha256(as_bytes(body)).view());
    return out;
}

Case read_case(const std::filesystem::path& folder) {
    Case out;
    out.context = nlohmann::json::parse(text_of(folder / "context.json"));
    out.request = read_request(text_of(folder / "request.txt"), out.flag("normalize"));
    out.scope = {amz_date(iso_date_ms(out.context.at("timestamp").get<std::string>()).value()),
                 out.context.at("region"), out.context.at("service")};
    const auto& credentials = out.context.at("credentials");
    const auto secret = [&](const char* name) {
        return crypto::SecretBytes::copy_of(as_bytes(credentials.value(name, std::string())));
    };
    out.credentials = {credentials.at("access_key_id"), secret("secret_access_key"), secret("token")};
    return out;
}

void check_steps(const Case& one, const SignedRequest& request, const std::filesystem::path& folder, const char* way) {
    const auto expected = [&](const char* step) { return text_of(folder / (std::string(way) + step)); };
    const std::string canonical = canonical_request(request);
    EXPECT_EQ(canonical, expected("-canonical-request.txt"));
    const std::string to_sign = string_to_sign(canonical, one.scope);
    EXPECT_EQ(to_sign, expected("-string-to-sign.txt"));
    EXPECT_EQ(signature_of(to_sign, one.scope, one.credentials.secret_key), expected("-signature.txt"));
}

SignedRequest with_headers(const Case& one) {
    SignedRequest out = one.request;
    out.headers.emplace_back("x-amz-date", one.scope.date);
    if (one.flag("sign_body")) out.headers.emplace_back("x-amz-content-sha256", out.payload);
    if (one.signs_token()) out.headers.emplace_back("x-amz-security-token", one.token());
    return out;
}

SignedRequest with_query(const Case& one) {
    SignedRequest out = one.request;
    out.query.emplace_back("X-Amz-Algorithm", "AWS4-HMAC-SHA256");
    out.query.emplace_back("X-Amz-Credential", one.credentials.access_key + "/" + one.scope.text());
    out.query.emplace_back("X-Amz-Date", one.scope.date);
    out.query.emplace_back("X-Amz-Expires", one.context.at("expiration_in_seconds").dump());
    out.query.emplace_back("X-Amz-SignedHeaders", signed_header_names(out.headers));
    if (one.signs_token()) out.query.emplace_back("X-Amz-Security-Token", one.token());
    return out;
}

template <class Check>
void for_each_case(const Check& check) {
    const std::filesystem::path suite = public_vectors() / "sigv4";
    if (!std::filesystem::exists(public_vectors()) &&
        !std::filesystem::exists(std::filesystem::path(BAE_SOURCE_DIR) / "../shared"))
        GTEST_SKIP() << "no public vectors at " << public_vectors();
    size_t cases = 0, unnormalised = 0;
    for (const auto& entry : std::filesystem::directory_iterator(suite)) {
        if (!entry.is_directory()) continue;
        SCOPED_TRACE(entry.path().filename().string());
        const Case one = read_case(entry.path());
        check(one, entry.path());
        cases++;
        unnormalised += one.flag("normalize") ? 0 : 1;
    }
    EXPECT_EQ(cases, 38U);
    EXPECT_EQ(unnormalised, 7U);
}

TEST(SigV4Suite, EveryStepOfSigningHeaders) {
    for_each_case([](const Case& one, const auto& folder) { check_steps(one, with_headers(one), folder, "header"); });
}

TEST(SigV4Suite, EveryStepOfSigningQueries) {
    for_each_case([](const Case& one, const auto& folder) { check_steps(one, with_query(one), folder, "query"); });
}

// presigned_query() signs the host alone and no payload, which no case does; what else it adds must be as in the suite.
TEST(SigV4Suite, PresignedQueriesHaveTheParametersOfTheSuite) {
    for_each_case([](const Case& one, const auto&) {
        if (one.flag("omit_session_token")) return;
        SignedRequest bare = one.request;
        std::erase_if(bare.headers, [](const auto& header) { return header.first != "host"; });
        bare.payload = "UNSIGNED-PAYLOAD";
        Case same = {one.context, bare, one.scope, {}};
        same.credentials = {one.credentials.access_key, {}, one.credentials.session_token.duplicate()};
        const SignedRequest by_hand = with_query(same);
        Query expected = by_hand.query;
        expected.emplace_back("X-Amz-Signature", signature_of(string_to_sign(canonical_request(by_hand), one.scope),
                                                              one.scope, one.credentials.secret_key));
        const int64_t now_ms = iso_date_ms(one.context.at("timestamp").get<std::string>()).value();
        EXPECT_EQ(encoded_query(
                      presigned_query(one.request, one.credentials, one.scope.region, one.scope.service, now_ms, 3600)),
                  encoded_query(expected));
    });
}

}  // namespace
}  // namespace bae::s3
