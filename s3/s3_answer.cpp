#include "s3/s3_answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "s3/foreign_text.h"
#include "s3/s3_place.h"

namespace bae::s3 {
namespace {

using Next = Verdict::Next;

constexpr int64_t kHourMs = 3'600'000;

struct Rule {
    Next next;
    ErrorKind kind;
    std::string_view says;
    bool quotes_server = true;  // not where a server might repeat credentials
    Cause cause = Cause::other;
};

constexpr Rule kTryAgain{Next::retry, ErrorKind::retry, "the server cannot do it now; it is tried again"};
constexpr Rule kNoObject{Next::not_found, ErrorKind::not_found, "there is no such object"};
constexpr Rule kNoBucket{Next::no_bucket, ErrorKind::denied,
                         "there is no such bucket: create it at the provider, or correct the address"};
constexpr Rule kExists{Next::exists, ErrorKind::conflict, "there is an object of that name already"};
constexpr Rule kUnsupported{Next::unsupported, ErrorKind::unsupported, "the server does not support this"};
constexpr Rule kRange{Next::range, ErrorKind::invalid_input, "the object ends before that byte"};
constexpr Rule kSkewed{Next::skewed, ErrorKind::denied, "this machine's clock and the server's differ: set the clock"};
constexpr Rule kWrongSecret{
    Next::denied, ErrorKind::denied,
    "the secret key is not the one of this access key (some servers say this of an unknown access key too): enter both "
    "again",
    false};
constexpr Rule kUnknownKey{Next::denied, ErrorKind::denied,
                           "the server does not know this access key: was it deleted, or is it of another provider?",
                           false};
constexpr Rule kTokenEnded{Next::denied, ErrorKind::denied, "the temporary credentials have ended: enter new ones",
                           false};
constexpr Rule kNoPermission{Next::denied, ErrorKind::denied, "these credentials have no permission for this"};
constexpr Rule kAccount{Next::denied, ErrorKind::denied,
                        "the account is suspended or has a problem: see the provider's console"};
constexpr Rule kBadCredential{Next::denied, ErrorKind::denied,
                              "the server cannot read the credentials: are access key, secret key and region right?",
                              false};
constexpr Rule kFull{Next::denied, ErrorKind::denied,
                     "the bucket or the account is full: free space, or raise the quota", true, Cause::no_space};
constexpr Rule kElsewhere{Next::refused, ErrorKind::denied,
                          "the bucket is in another region and the server does not say which: name it with region="};
constexpr Rule kTooLarge{Next::refused, ErrorKind::unsupported, "the server takes no request of that size"};
constexpr Rule kBadName{Next::refused, ErrorKind::invalid_input, "the server does not take this name"};
constexpr Rule kInTheWay{Next::refused, ErrorKind::conflict, "something else stands there already"};
constexpr Rule kNeedsLength{Next::refused, ErrorKind::unsupported,
                            "the server, or a proxy before it, got the request without its length"};
constexpr Rule kNotAllowed{Next::unsupported, ErrorKind::unsupported,
                           "the server does not allow this: is the endpoint that of an S3 server?"};
constexpr Rule kRefused{Next::refused, ErrorKind::unsupported, "the server refuses this"};
constexpr Rule kNoS3{Next::refused, ErrorKind::corrupt,
                     "this is not the answer of an S3 server: is the endpoint right?"};
constexpr Rule kDone{Next::done, ErrorKind::internal, "done"};

struct NamedRule {
    std::string_view code;
    Rule rule;
};

constexpr std::array kByCode{
    NamedRule{"RequestTimeout", kTryAgain},
    NamedRule{"RequestTimeoutException", kTryAgain},
    NamedRule{"SlowDown", kTryAgain},
    NamedRule{"SlowDownRead", kTryAgain},
    NamedRule{"SlowDownWrite", kTryAgain},
    NamedRule{"Throttling", kTryAgain},
    NamedRule{"ThrottlingException", kTryAgain},
    NamedRule{"TooManyRequests", kTryAgain},
    NamedRule{"RequestLimitExceeded", kTryAgain},
    NamedRule{"BandwidthLimitExceeded", kTryAgain},
    NamedRule{"OperationAborted", kTryAgain},
    NamedRule{"ConditionalRequestConflict", kTryAgain},
    NamedRule{"InternalError", kTryAgain},
    NamedRule{"ServiceUnavailable", kTryAgain},
    NamedRule{"Busy", kTryAgain},
    NamedRule{"IncompleteBody", kTryAgain},
    NamedRule{"BadDigest", kTryAgain},
    NamedRule{"XAmzContentSHA256Mismatch", kTryAgain},
    NamedRule{"NoSuchKey", kNoObject},
    NamedRule{"NoSuchUpload", kNoObject},
    NamedRule{"NoSuchBucket", kNoBucket},
    NamedRule{"PreconditionFailed", kExists},
    NamedRule{"NotImplemented", kUnsupported},
    NamedRule{"InvalidRange", kRange},
    NamedRule{"RequestTimeTooSkewed", kSkewed},
    NamedRule{"SignatureDoesNotMatch", kWrongSecret},
    NamedRule{"InvalidAccessKeyId", kUnknownKey},
    NamedRule{"ExpiredToken", kTokenEnded},
    NamedRule{"TokenRefreshRequired", kTokenEnded},
    NamedRule{"InvalidToken", kTokenEnded},
    NamedRule{"AccessDenied", kNoPermission},
    NamedRule{"AllAccessDisabled", kAccount},
    NamedRule{"AccountProblem", kAccount},
    NamedRule{"NotSignedUp", kAccount},
    NamedRule{"UserSuspended", kAccount},
    NamedRule{"AuthorizationHeaderMalformed", kBadCredential},
    NamedRule{"InvalidSecurity", kBadCredential},
    NamedRule{"CredentialsNotSupported", kBadCredential},
    NamedRule{"InsufficientCapacity", kFull},
    NamedRule{"QuotaExceeded", kFull},
    NamedRule{"XMinioStorageFull", kFull},
    NamedRule{"XMinioAdminBucketQuotaExceeded", kFull},
    NamedRule{"PermanentRedirect", kElsewhere},
    NamedRule{"TemporaryRedirect", kElsewhere},
    NamedRule{"Redirect", kElsewhere},
    NamedRule{"IllegalLocationConstraint", kElsewhere},
    NamedRule{"IllegalLocationConstraintException", kElsewhere},
    NamedRule{"EntityTooLarge", kTooLarge},
    NamedRule{"MaxMessageLengthExceeded", kTooLarge},
    NamedRule{"InvalidBucketName", kBadName},
    NamedRule{"InvalidObjectName", kBadName},
    NamedRule{"KeyTooLongError", kBadName},
    NamedRule{"BucketAlreadyExists", kInTheWay},
    NamedRule{"BucketAlreadyOwnedByYou", kInTheWay},
    NamedRule{"BucketNotEmpty", kInTheWay},
    NamedRule{"XMinioObjectExistsAsDirectory", kInTheWay},
    NamedRule{"XMinioParentIsObject", kInTheWay},
    NamedRule{"MissingContentLength", kNeedsLength},
    NamedRule{"MethodNotAllowed", kNotAllowed},
};

Rule rule_of_status(int status, bool is_explained) {
    if (status >= 200 && status <= 299) return kDone;
    switch (status) {
        case 301:
        case 302:
        case 303:
        case 307:
        case 308:
            return kElsewhere;
        case 401:
        case 403:
            return kNoPermission;
        case 404:
            return is_explained ? kNoObject : kNoS3;
        case 405:
            return kNotAllowed;
        case 408:
        case 409:
        case 425:
        case 429:
            return kTryAgain;
        case 411:
            return kNeedsLength;
        case 412:
            return kExists;
        case 413:
            return kTooLarge;
        case 416:
            return kRange;
        case 501:
            return kUnsupported;
        case 505:
            return kNoS3;
        case 507:
            return kFull;
        default:
            if (status >= 500 && status <= 599) return kTryAgain;
            return status >= 400 && status <= 499 ? kRefused : kNoS3;
    }
}

// A code that is known overrules the status: it is more exact (400 NotImplemented, 403 RequestTimeTooSkewed).
Rule rule_of(const HttpAnswer& answer, std::string_view method, const std::optional<S3ErrorBody>& error) {
    const bool may_be_bare = method == "HEAD" || method == "DELETE";
    const Rule by_status = rule_of_status(answer.status, error || (may_be_bare && answer.body.empty()));
    if (!error) return by_status;
    const auto found =
        std::find_if(kByCode.begin(), kByCode.end(), [&](const auto& r) { return r.code == error->code; });
    return found == kByCode.end() ? by_status : found->rule;
}

std::string lower(std::string text) {
    for (char& c : text)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return text;
}

bool may_name_region(int status, const Rule& rule, std::string_view code) {
    if (rule.next == Next::refused && rule.says == kElsewhere.says) return true;
    // New regions of AWS answer a HEAD for a bucket of another region with 400 and no body.
    return status == 400 && (code.empty() || code == "AuthorizationHeaderMalformed");
}

void find_region(const HttpAnswer& answer, const S3ErrorBody& error, Verdict& verdict) {
    const std::string region = header(answer, "x-amz-bucket-region").value_or(error.region);
    const std::string endpoint = lower(error.endpoint);
    if (is_region(region)) verdict.region = region;
    if (is_authority(endpoint)) verdict.endpoint = endpoint;
    if (verdict.region.empty() && verdict.endpoint.empty()) return;
    verdict.next = Next::other_region;
    verdict.error = {ErrorKind::denied, verdict.region.empty()
                                            ? "the bucket is at " + verdict.endpoint + ": name it with endpoint="
                                            : "the bucket is in region " + verdict.region + ": name it with region="};
}

std::optional<int64_t> retry_after(const HttpAnswer& answer, int64_t now_ms) {
    const auto text = header(answer, "retry-after");
    if (!text || text->empty()) return std::nullopt;
    if (std::all_of(text->begin(), text->end(), [](char c) { return c >= '0' && c <= '9'; }))
        return text->size() > 4 ? kHourMs : std::min<int64_t>(kHourMs, std::stoll(*text) * 1000);
    const auto date = http_date_ms(*text);
    if (!date) return std::nullopt;
    const int64_t their_now_ms = http_date_ms(header(answer, "date").value_or("")).value_or(now_ms);
    return std::clamp<int64_t>(*date - their_now_ms, 0, kHourMs);
}

bool quotes_credentials(std::string_view text) {
    constexpr std::array<std::string_view, 5> kMarks{"AWS4", "Credential=", "Signature=", "AKIA", "ASIA"};
    return std::any_of(kMarks.begin(), kMarks.end(), [&](auto mark) { return text.find(mark) != text.npos; });
}

std::string skew_of(const HttpAnswer& answer, int64_t now_ms) {
    const auto date = http_date_ms(header(answer, "date").value_or(""));
    if (!date) return {};
    const int64_t seconds = (*date - now_ms) / 1000;
    return fmt::format(" (it is {} seconds {} the server's)", seconds < 0 ? -seconds : seconds,
                       seconds < 0 ? "ahead of" : "behind");
}

std::string explained(const HttpAnswer& answer, const Rule& rule, const S3ErrorBody& error) {
    std::string out = fmt::format(" ({}", answer.status);
    if (!error.code.empty()) out += " " + shown(error.code);
    if (rule.quotes_server && !error.message.empty() && !quotes_credentials(error.message))
        out += ": " + shown(error.message);
    return out + ")";
}

std::string message_of(const HttpAnswer& answer, const Rule& rule, const S3ErrorBody& error, int64_t now_ms,
                       std::string_view permission) {
    std::string out(rule.says);
    if (rule.says == kNoPermission.says && !permission.empty()) out += fmt::format(": allow them {}", permission);
    if (rule.next == Next::skewed) out += skew_of(answer, now_ms);
    return out + explained(answer, rule, error);
}

bool asks_for_less(int status, std::string_view code) {
    return status == 429 || status == 503 || status == 509 || code.starts_with("SlowDown") ||
           code.starts_with("Throttling") || code == "TooManyRequests" || code == "RequestLimitExceeded";
}

}  // namespace

std::optional<std::string> header(const HttpAnswer& answer, std::string_view lower_case_name) {
    constexpr std::string_view kSpace = " \t\r\n";
    for (const auto& [name, value] : answer.headers) {
        if (name != lower_case_name) continue;
        const size_t from = value.find_first_not_of(kSpace);
        if (from == std::string::npos) return std::string();
        return value.substr(from, value.find_last_not_of(kSpace) - from + 1);
    }
    return std::nullopt;
}

Verdict verdict_of(const HttpAnswer& answer, std::string_view method, int64_t now_ms, std::string_view permission) {
    if (rule_of_status(answer.status, true).next == Next::done) return {.next = Next::done};
    const std::optional<S3ErrorBody> told = parse_error(answer.body);
    const S3ErrorBody error = told.value_or(S3ErrorBody{});
    const Rule rule = rule_of(answer, method, told);
    Verdict out;
    out.next = rule.next;
    out.code = shown(error.code);
    out.error = {rule.kind, message_of(answer, rule, error, now_ms, permission), rule.cause};
    if (may_name_region(answer.status, rule, error.code)) find_region(answer, error, out);
    if (out.next != Next::retry) return out;
    out.retry_after_ms = retry_after(answer, now_ms);
    out.slow_down = asks_for_less(answer.status, error.code);
    return out;
}

}  // namespace bae::s3
