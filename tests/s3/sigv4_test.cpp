#include "s3/sigv4.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "s3/s3_answer.h"

namespace bae::s3 {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kEmptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
constexpr int64_t kMay24 = 1'369'353'600'000;  // 2013-05-24T00:00:00Z

// The examples of the Amazon S3 API Reference: "Signature Calculations for the Authorization Header: Transferring
// Payload in a Single Chunk" and "Authenticating Requests: Using Query Parameters".
S3Credentials example_credentials() {
    return {
        "AKIAIOSFODNN7EXAMPLE", crypto::SecretBytes::copy_of(as_bytes("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")), {}};
}

SignedRequest example(std::string method, std::string path, Query query = {}, Headers headers = {}) {
    headers.emplace_back("host", "examplebucket.s3.amazonaws.com");
    return {std::move(method), std::move(path), std::move(query), std::move(headers), std::string(kEmptyHash)};
}

std::string field(const Headers& headers, const char* name) {
    return header({0, headers, {}}, name).value_or("(none)");
}

std::string authorization(const SignedRequest& request) {
    return field(signed_headers(request, example_credentials(), "us-east-1", "s3", kMay24), "authorization");
}

std::string expected(std::string_view names, std::string_view signature) {
    return "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, SignedHeaders=" +
           std::string(names) + ", Signature=" + std::string(signature);
}

TEST(SigV4, SignsTheExampleOfGetWithRange) {
    EXPECT_EQ(authorization(example("GET", "/test.txt", {}, {{"range", "bytes=0-9"}})),
              expected("host;range;x-amz-content-sha256;x-amz-date",
                       "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"));
}

TEST(SigV4, SignsTheExampleOfPut) {
    SignedRequest request =
        example("PUT", "/test$file.text", {},
                {{"date", "Fri, 24 May 2013 00:00:00 GMT"}, {"x-amz-storage-class", "REDUCED_REDUNDANCY"}});
    request.payload = hex_encode(crypto::sha256(as_bytes("Welcome to Amazon S3.")).view());
    EXPECT_EQ(authorization(request), expected("date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
                                               "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"));
}

TEST(SigV4, SignsTheExampleOfLifecycleWhoseParameterHasNoValue) {
    EXPECT_EQ(authorization(example("GET", "/", {{"lifecycle", ""}})),
              expected("host;x-amz-content-sha256;x-amz-date",
                       "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"));
}

TEST(SigV4, SignsTheExampleOfListWhoseParametersAreSorted) {
    EXPECT_EQ(authorization(example("GET", "/", {{"prefix", "J"}, {"max-keys", "2"}})),
              expected("host;x-amz-content-sha256;x-amz-date",
                       "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"));
}

TEST(SigV4, SignsTheExampleOfAPresignedUrl) {
    const Query query =
        presigned_query(example("GET", "/test.txt"), example_credentials(), "us-east-1", "s3", kMay24, 86400);
    EXPECT_EQ(encoded_query(query),
              "X-Amz-Algorithm=AWS4-HMAC-SHA256"
              "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
              "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400"
              "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
              "&X-Amz-SignedHeaders=host");
}

TEST(SigV4, APresignedUrlSignsTheHostAloneAndKeepsTheQuery) {
    const SignedRequest plain = example("GET", "/test.txt", {{"response-content-type", "a/b"}});
    const SignedRequest more =
        example("GET", "/test.txt", {{"response-content-type", "a/b"}}, {{"range", "bytes=0-1"}});
    const auto query = [](const SignedRequest& request) {
        return encoded_query(presigned_query(request, example_credentials(), "r", "s3", kMay24, 1));
    };
    EXPECT_EQ(query(plain), query(more));
    EXPECT_THAT(query(plain), HasSubstr("&response-content-type=a%2Fb"));
}

TEST(SigV4, ASessionTokenIsSentAndSigned) {
    S3Credentials credentials = example_credentials();
    credentials.session_token = crypto::SecretBytes::copy_of(as_bytes("the/token=="));
    const Headers headers = signed_headers(example("GET", "/"), credentials, "us-east-1", "s3", kMay24);
    EXPECT_EQ(field(headers, "x-amz-security-token"), "the/token==");
    EXPECT_THAT(field(headers, "authorization"),
                HasSubstr("SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token,"));
    const Query query = presigned_query(example("GET", "/"), credentials, "us-east-1", "s3", kMay24, 60);
    EXPECT_THAT(encoded_query(query), HasSubstr("&X-Amz-Security-Token=the%2Ftoken%3D%3D&"));
    EXPECT_NE(encoded_query(query), encoded_query(presigned_query(example("GET", "/"), example_credentials(),
                                                                  "us-east-1", "s3", kMay24, 60)));
}

TEST(SigV4, WithoutATokenThereIsNoHeaderForIt) {
    const Headers headers = signed_headers(example("GET", "/"), example_credentials(), "us-east-1", "s3", kMay24);
    EXPECT_EQ(field(headers, "x-amz-security-token"), "(none)");
    EXPECT_EQ(field(headers, "x-amz-date"), "20130524T000000Z");
    EXPECT_EQ(field(headers, "x-amz-content-sha256"), kEmptyHash);
}

TEST(SigV4, AContentHashThatIsGivenIsNotSentTwice) {
    SignedRequest request = example("PUT", "/a", {}, {{"x-amz-content-sha256", "UNSIGNED-PAYLOAD"}});
    request.payload = "UNSIGNED-PAYLOAD";
    const Headers headers = signed_headers(request, example_credentials(), "us-east-1", "s3", kMay24);
    EXPECT_EQ(std::count_if(headers.begin(), headers.end(),
                            [](const auto& header) { return header.first == "x-amz-content-sha256"; }),
              1);
}

TEST(SigV4, TheSecretKeyIsNowhereInWhatIsSent) {
    const Headers headers = signed_headers(example("GET", "/"), example_credentials(), "us-east-1", "s3", kMay24);
    for (const auto& [name, value] : headers) EXPECT_EQ(value.find("EXAMPLEKEY"), std::string::npos) << name;
}

TEST(SigV4, EncodesAllButUnreservedBytes) {
    EXPECT_EQ(uri_encoded("AZaz09-._~", true), "AZaz09-._~");
    EXPECT_EQ(uri_encoded("a/b", false), "a/b");
    EXPECT_EQ(uri_encoded("a/b", true), "a%2Fb");
    EXPECT_EQ(uri_encoded(" +%*()'!:@\xff\n", false), "%20%2B%25%2A%28%29%27%21%3A%40%FF%0A");
}

TEST(SigV4, QueriesAreSortedByEncodedNameThenValue) {
    EXPECT_EQ(encoded_query({{"b", "1"}, {"a", "2"}, {"a", "1"}, {"a-b", ""}, {"\xe1\x88\xb4", "x"}, {"A", "="}}),
              "%E1%88%B4=x&A=%3D&a=1&a=2&a-b=&b=1");
    EXPECT_EQ(encoded_query({}), "");
}

TEST(SigV4, NothingIsNormalisedInPaths) {
    EXPECT_THAT(canonical_request(example("GET", "/b/a//./../c d")), HasSubstr("GET\n/b/a//./../c%20d\n\n"));
}

TEST(SigV4, AnAccessKeyMayHaveAColon) {
    S3Credentials credentials = example_credentials();
    credentials.access_key = "test:tester";
    EXPECT_THAT(field(signed_headers(example("GET", "/"), credentials, "r", "s3", kMay24), "authorization"),
                HasSubstr("Credential=test:tester/20130524/r/s3/aws4_request"));
}

}  // namespace
}  // namespace bae::s3
