#include "node/credentials.h"

#include <fmt/format.h>

#include <algorithm>

#include "crypto/hash.h"

namespace bae::node {
namespace {

constexpr size_t kNameDigits = 32;
constexpr size_t kMostBytes = 8192;  // session tokens of AWS take more than a thousand
constexpr std::byte kBetween{'\n'};

// Of a variable of the environment, whose copy is wiped.
Result<crypto::SecretBytes> secret_from_environment(Environment environment, const char* name) {
    std::optional<std::string> text = environment(name);
    if (!text) return crypto::SecretBytes();
    crypto::SecretBytes secret = crypto::SecretBytes::copy_of(as_bytes(*text));
    crypto::wipe(std::as_writable_bytes(std::span(*text)));
    return secret;
}

bool is_key(ByteView key) {
    return key.size() <= kMostBytes && std::all_of(key.begin(), key.end(), [](std::byte byte) {
               return byte > std::byte{' '} && byte < std::byte{0x7f};
           });
}

}  // namespace

std::string credentials_name(const s3::S3Place& place) {
    const std::string server = place.endpoint.empty() ? "aws" : place.endpoint;
    const crypto::Hash256 hash = crypto::sha256(as_bytes(server + "\n" + place.bucket));
    return "bucket." + hex_encode(hash.view()).substr(0, kNameDigits);
}

crypto::SecretBytes packed_credentials(const s3::S3Credentials& credentials) {
    const ByteView parts[] = {as_bytes(credentials.access_key), credentials.secret_key.view(),
                              credentials.session_token.view()};
    crypto::SecretBytes packed(parts[0].size() + parts[1].size() + parts[2].size() + 2);
    auto at = packed.span().begin();
    for (const ByteView part : parts) {
        if (at != packed.span().begin()) *at++ = kBetween;
        at = std::copy(part.begin(), part.end(), at);
    }
    return packed;
}

Result<s3::S3Credentials> unpacked_credentials(ByteView packed) {
    const auto first = std::find(packed.begin(), packed.end(), kBetween);
    const auto second = first == packed.end() ? first : std::find(first + 1, packed.end(), kBetween);
    if (second == packed.end()) return fail(ErrorKind::corrupt, "the credentials kept for this bucket are damaged");
    s3::S3Credentials credentials;
    credentials.access_key = std::string(as_text({packed.begin(), first}));
    credentials.secret_key = crypto::SecretBytes::copy_of({first + 1, second});
    credentials.session_token = crypto::SecretBytes::copy_of({second + 1, packed.end()});
    return credentials;
}

s3::S3Credentials duplicate(const s3::S3Credentials& credentials) {
    return {.access_key = credentials.access_key,
            .secret_key = credentials.secret_key.duplicate(),
            .session_token = credentials.session_token.duplicate()};
}

Result<std::optional<s3::S3Credentials>> credentials_from_environment(Environment environment) {
    TRY(crypto::initialize());
    const std::optional<std::string> access_key = environment("AWS_ACCESS_KEY_ID");
    crypto::SecretBytes secret_key = TRY(secret_from_environment(environment, "AWS_SECRET_ACCESS_KEY"));
    if (!access_key && secret_key.empty()) return std::optional<s3::S3Credentials>();
    if (!access_key || secret_key.empty()) {
        return fail(ErrorKind::invalid_input, fmt::format("{} is set and {} is not: credentials are both of them",
                                                          access_key ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY",
                                                          access_key ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID"));
    }
    s3::S3Credentials credentials{.access_key = *access_key,
                                  .secret_key = std::move(secret_key),
                                  .session_token = TRY(secret_from_environment(environment, "AWS_SESSION_TOKEN"))};
    TRY(check_credentials(credentials));
    return std::optional(std::move(credentials));
}

Result<void> check_credentials(const s3::S3Credentials& credentials) {
    const auto wrong = [](std::string_view name) {
        return fail(ErrorKind::invalid_input,
                    fmt::format("the {} has blanks, line breaks or other characters that none has", name));
    };
    if (!is_key(as_bytes(credentials.access_key))) return wrong("access key");
    if (!is_key(credentials.secret_key.view())) return wrong("secret key");
    if (!is_key(credentials.session_token.view())) return wrong("session token");
    return {};
}

}  // namespace bae::node
