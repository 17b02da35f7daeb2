#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "s3/s3_answer.h"

namespace bae::s3 {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Next = Verdict::Next;

constexpr int64_t kNow = 784'111'777'000;  // Sun, 06 Nov 1994 08:49:37 GMT

HttpAnswer answer(int status, std::string_view body = {}, Headers headers = {}) {
    return {status, std::move(headers), to_bytes(as_bytes(body))};
}

std::string error_xml(std::string_view code, std::string_view more = {}) {
    return "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>" + std::string(code) + "</Code>" +
           std::string(more) + "</Error>";
}

Verdict verdict(int status, std::string_view code, std::string_view more = {}, Headers headers = {}) {
    return verdict_of(answer(status, error_xml(code, more), std::move(headers)), "GET", kNow);
}

Verdict without_body(int status, Headers headers = {}) {
    return verdict_of(answer(status, {}, std::move(headers)), "HEAD", kNow);
}

TEST(Verdict, SuccessIsDone) {
    for (const int status : {200, 204, 206, 299}) EXPECT_EQ(without_body(status).next, Next::done) << status;
}

TEST(Verdict, AnObjectThatLooksLikeAnErrorIsAnObject) { EXPECT_EQ(verdict(200, "InternalError").next, Next::done); }

TEST(Verdict, TheStatusAloneDecidesWhereNothingElseIsSaid) {
    const std::vector<std::pair<int, Next>> expected{
        {400, Next::refused},     {401, Next::denied},  {403, Next::denied}, {404, Next::not_found},
        {405, Next::unsupported}, {408, Next::retry},   {409, Next::retry},  {411, Next::refused},
        {412, Next::exists},      {413, Next::refused}, {416, Next::range},  {418, Next::refused},
        {425, Next::retry},       {429, Next::retry},   {500, Next::retry},  {501, Next::unsupported},
        {502, Next::retry},       {503, Next::retry},   {504, Next::retry},  {505, Next::refused},
        {507, Next::denied},      {509, Next::retry},   {520, Next::retry},  {301, Next::refused},
        {307, Next::refused},     {100, Next::refused}, {299, Next::done},   {305, Next::refused},
        {304, Next::refused},     {600, Next::refused}, {0, Next::refused},  {-1, Next::refused}};
    for (const auto& [status, next] : expected) EXPECT_EQ(without_body(status).next, next) << status;
}

TEST(Verdict, WhatPassesIsTriedAgain) {
    const std::vector<std::pair<int, const char*>> codes{
        {400, "RequestTimeout"},   {503, "SlowDown"},       {503, "ServiceUnavailable"},
        {409, "OperationAborted"}, {500, "InternalError"},  {409, "ConditionalRequestConflict"},
        {500, "UnknownError"},     {400, "IncompleteBody"}, {429, "TooManyRequests"},
        {400, "BadDigest"},        {503, "SlowDownWrite"},  {400, "XAmzContentSHA256Mismatch"}};
    for (const auto& [status, code] : codes) {
        EXPECT_EQ(verdict(status, code).next, Next::retry) << code;
        EXPECT_EQ(verdict(status, code).error.kind, ErrorKind::retry) << code;
        EXPECT_EQ(verdict(status, code).code, code);
    }
}

TEST(Verdict, ABusyServerIsAskedLess) {
    EXPECT_TRUE(without_body(429).slow_down);
    EXPECT_TRUE(without_body(503).slow_down);
    EXPECT_TRUE(verdict(500, "SlowDown").slow_down);
    EXPECT_FALSE(without_body(500).slow_down);
    EXPECT_FALSE(verdict(409, "ConditionalRequestConflict").slow_down);
}

TEST(Verdict, RetryAfterIsSecondsOrADateAndAtMostAnHour) {
    const auto after = [](std::string value, Headers more = {}) {
        more.emplace_back("retry-after", std::move(value));
        return without_body(503, std::move(more)).retry_after_ms;
    };
    EXPECT_EQ(after("0"), 0);
    EXPECT_EQ(after("7"), 7000);
    EXPECT_EQ(after(" 7 "), 7000);
    EXPECT_EQ(after("3601"), 3'600'000);
    EXPECT_EQ(after("99999999999999999999999999"), 3'600'000);
    EXPECT_EQ(after("Sun, 06 Nov 1994 08:49:47 GMT"), 10'000);
    EXPECT_EQ(after("Sun, 06 Nov 1994 08:49:27 GMT"), 0);
    EXPECT_EQ(after("Fri, 06 Nov 2054 08:49:27 GMT"), 3'600'000);
    EXPECT_EQ(after("Sun, 06 Nov 1994 10:00:10 GMT", {{"date", "Sun, 06 Nov 1994 10:00:00 GMT"}}), 10'000);
    for (const char* bad : {"", "soon", "-1", "1.5"}) EXPECT_EQ(after(bad), std::nullopt) << bad;
    EXPECT_EQ(without_body(503).retry_after_ms, std::nullopt);
    EXPECT_EQ(without_body(404, {{"retry-after", "7"}}).retry_after_ms, std::nullopt);
}

TEST(Verdict, AMissingObjectIsNotAMissingBucket) {
    EXPECT_EQ(verdict(404, "NoSuchKey").next, Next::not_found);
    EXPECT_EQ(verdict(404, "NoSuchUpload").error.kind, ErrorKind::not_found);
    const Verdict no_bucket = verdict(404, "NoSuchBucket");
    EXPECT_EQ(no_bucket.next, Next::no_bucket);
    EXPECT_EQ(no_bucket.error.kind, ErrorKind::denied);
    EXPECT_THAT(no_bucket.error.message, HasSubstr("create it at the provider"));
}

TEST(Verdict, APageThatIsNotS3SaysNothingAboutObjects) {
    for (const int status : {404, 302}) {
        const Verdict page = verdict_of(answer(status, "<html><body>Not Found</body></html>"), "GET", kNow);
        EXPECT_EQ(page.next, Next::refused) << status;
        EXPECT_NE(page.error.kind, ErrorKind::not_found);
    }
    EXPECT_THAT(verdict_of(answer(404, "not found"), "GET", kNow).error.message, HasSubstr("is the endpoint right?"));
}

TEST(Verdict, WithoutABodyOnlyAHeadOrADeleteIsToldOfNoObject) {
    for (const char* method : {"HEAD", "DELETE"})
        EXPECT_EQ(verdict_of(answer(404), method, kNow).next, Next::not_found) << method;
    for (const char* method : {"GET", "PUT", "POST"}) {
        const Verdict bare = verdict_of(answer(404), method, kNow);
        EXPECT_EQ(bare.next, Next::refused) << method;
        EXPECT_EQ(bare.error.kind, ErrorKind::corrupt) << method;
    }
}

TEST(Verdict, AFailedConditionIsAFailedConditionWhateverItIsCalled) {
    EXPECT_EQ(verdict(412, "PreconditionFailed").next, Next::exists);
    EXPECT_EQ(verdict(412, "InvalidRequest").next, Next::exists);
}

TEST(Verdict, WhatAServerCannotIsUnsupported) {
    EXPECT_EQ(verdict(501, "NotImplemented").next, Next::unsupported);
    EXPECT_EQ(verdict(400, "NotImplemented").next, Next::unsupported);
    EXPECT_EQ(verdict(405, "MethodNotAllowed").next, Next::unsupported);
    EXPECT_EQ(verdict(501, "NotImplemented").error.kind, ErrorKind::unsupported);
    EXPECT_EQ(verdict(416, "InvalidRange").next, Next::range);
}

TEST(Verdict, ARedirectNamesTheRegion) {
    for (const int status : {301, 307}) {
        const Verdict by_header = without_body(status, {{"x-amz-bucket-region", "eu-west-1"}});
        EXPECT_EQ(by_header.next, Next::other_region);
        EXPECT_EQ(by_header.region, "eu-west-1");
        EXPECT_EQ(by_header.endpoint, "");
        EXPECT_THAT(by_header.error.message, HasSubstr("region eu-west-1"));
    }
    const Verdict by_body = verdict(301, "PermanentRedirect",
                                    "<Region>eu-west-1</Region><Endpoint>Music.s3-eu-west-1.amazonaws.com</Endpoint>");
    EXPECT_EQ(by_body.next, Next::other_region);
    EXPECT_EQ(by_body.region, "eu-west-1");
    EXPECT_EQ(by_body.endpoint, "music.s3-eu-west-1.amazonaws.com");
    const Verdict endpoint_alone = verdict(307, "TemporaryRedirect", "<Endpoint>host:9000</Endpoint>");
    EXPECT_EQ(endpoint_alone.next, Next::other_region);
    EXPECT_EQ(endpoint_alone.region, "");
    EXPECT_THAT(endpoint_alone.error.message, HasSubstr("endpoint="));
}

TEST(Verdict, ARefusedSignatureMayNameTheRegion) {
    EXPECT_EQ(verdict(400, "AuthorizationHeaderMalformed", "<Region>us-east-1</Region>").region, "us-east-1");
    EXPECT_EQ(verdict(400, "AuthorizationHeaderMalformed", "<Region>us-east-1</Region>").next, Next::other_region);
    EXPECT_EQ(verdict(400, "AuthorizationHeaderMalformed").next, Next::denied);
    EXPECT_EQ(verdict(400, "IllegalLocationConstraintException", {}, {{"x-amz-bucket-region", "me-south-1"}}).region,
              "me-south-1");
    EXPECT_EQ(verdict(400, "IllegalLocationConstraintException").next, Next::refused);
    EXPECT_EQ(without_body(400, {{"x-amz-bucket-region", "me-south-1"}}).next, Next::other_region);
}

TEST(Verdict, ARegionThatComesWithAnotherErrorIsNotFollowed) {
    const Headers region{{"x-amz-bucket-region", "eu-west-1"}};
    EXPECT_EQ(verdict(400, "ExpiredToken", {}, region).next, Next::denied);
    EXPECT_EQ(verdict(403, "AccessDenied", {}, region).next, Next::denied);
    EXPECT_EQ(without_body(403, region).next, Next::denied);
    EXPECT_EQ(verdict(404, "NoSuchKey", {}, region).next, Next::not_found);
}

TEST(Verdict, WhatIsNoRegionOrHostIsNotTaken) {
    const Verdict odd = verdict(301, "PermanentRedirect", "<Region>a/../b</Region><Endpoint>evil/path</Endpoint>");
    EXPECT_EQ(odd.next, Next::refused);
    EXPECT_EQ(odd.region, "");
    EXPECT_EQ(odd.endpoint, "");
    EXPECT_EQ(without_body(301, {{"x-amz-bucket-region", "a b"}}).next, Next::refused);
    EXPECT_EQ(verdict(301, "PermanentRedirect", "<Endpoint>user@host</Endpoint>").endpoint, "");
}

TEST(Verdict, ClocksThatDifferAreNamedWithTheDifference) {
    const Headers date{{"date", "Sun, 06 Nov 1994 09:09:37 GMT"}};
    const Verdict behind = verdict(403, "RequestTimeTooSkewed", {}, date);
    EXPECT_EQ(behind.next, Next::skewed);
    EXPECT_EQ(behind.error.kind, ErrorKind::denied);
    EXPECT_THAT(behind.error.message, HasSubstr("1200 seconds behind the server's"));
    const Verdict ahead = verdict_of(answer(403, error_xml("RequestTimeTooSkewed"), date), "GET", kNow + 3'600'000);
    EXPECT_THAT(ahead.error.message, HasSubstr("2400 seconds ahead of the server's"));
    EXPECT_THAT(verdict(403, "RequestTimeTooSkewed").error.message, HasSubstr("set the clock (403"));
}

TEST(Verdict, DenialsSayWhatIsWrong) {
    const std::vector<std::tuple<int, const char*, const char*>> expected{
        {403, "SignatureDoesNotMatch", "the secret key is not the one of this access key"},
        {403, "InvalidAccessKeyId", "does not know this access key"},
        {400, "ExpiredToken", "temporary credentials have ended"},
        {400, "TokenRefreshRequired", "temporary credentials have ended"},
        {403, "InvalidToken", "temporary credentials have ended"},
        {403, "AccessDenied", "have no permission for this"},
        {403, "AccountProblem", "see the provider's console"},
        {403, "UserSuspended", "see the provider's console"},
        {403, "SomethingNew", "have no permission for this"},
        {507, "XMinioStorageFull", "free space, or raise the quota"},
        {403, "QuotaExceeded", "free space, or raise the quota"}};
    for (const auto& [status, code, says] : expected) {
        const Verdict denied = verdict(status, code);
        EXPECT_EQ(denied.next, Next::denied) << code;
        EXPECT_EQ(denied.error.kind, ErrorKind::denied) << code;
        EXPECT_THAT(denied.error.message, HasSubstr(says));
        EXPECT_THAT(denied.error.message, HasSubstr("(" + std::to_string(status) + " " + code));
    }
}

TEST(Verdict, OnlyAFullPlaceHasThatCause) {
    EXPECT_EQ(verdict(403, "QuotaExceeded").error.cause, Cause::no_space);
    EXPECT_EQ(verdict(400, "InsufficientCapacity").error.cause, Cause::no_space);
    EXPECT_EQ(without_body(507).error.cause, Cause::no_space);
    EXPECT_EQ(verdict(403, "AccessDenied").error.cause, Cause::other);
}

TEST(Verdict, ThePermissionThatIsMissingIsNamed) {
    const auto message = [](const HttpAnswer& denied) {
        return verdict_of(denied, "PUT", kNow, "s3:PutObject").error.message;
    };
    EXPECT_EQ(
        message(answer(403, error_xml("AccessDenied", "<Message>Access Denied.</Message>"))),
        "these credentials have no permission for this: allow them s3:PutObject (403 AccessDenied: Access Denied.)");
    EXPECT_EQ(message(answer(403)), "these credentials have no permission for this: allow them s3:PutObject (403)");
    EXPECT_THAT(message(answer(403, error_xml("SignatureDoesNotMatch"))), Not(HasSubstr("s3:PutObject")));
}

TEST(Verdict, OtherRefusalsQuoteTheServer) {
    const Verdict refused = verdict(400, "InvalidArgument", "<Message>no such thing</Message>");
    EXPECT_EQ(refused.next, Next::refused);
    EXPECT_EQ(refused.error.message, "the server refuses this (400 InvalidArgument: no such thing)");
    EXPECT_EQ(verdict(413, "EntityTooLarge").next, Next::refused);
    EXPECT_EQ(verdict(409, "BucketNotEmpty").error.kind, ErrorKind::conflict);
    EXPECT_EQ(verdict(400, "KeyTooLongError").error.kind, ErrorKind::invalid_input);
}

TEST(Verdict, MessagesHoldNoCredentialsOfTheServersText) {
    for (const char* code :
         {"InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "AuthorizationHeaderMalformed"})
        EXPECT_THAT(verdict(403, code, "<Message>key hunter2 is bad</Message>").error.message,
                    Not(HasSubstr("hunter2")));
    for (const char* text : {"AKIAIOSFODNN7EXAMPLE is hunter2", "got AWS4-HMAC-SHA256 hunter2", "Credential=hunter2"})
        EXPECT_THAT(verdict(400, "InvalidArgument", "<Message>" + std::string(text) + "</Message>").error.message,
                    Not(HasSubstr("hunter2")));
}

TEST(Verdict, MessagesAreOneShortLineOfPrintableText) {
    const Verdict loud =
        verdict(400, "Odd\x1b[31m", "<Message>\x1b]0;\x07\xc2\x9b\r\n" + std::string(5000, 'x') + "</Message>");
    for (const char c : loud.error.message + loud.code) EXPECT_TRUE(c >= 0x20 && c <= 0x7e);
    EXPECT_LT(loud.error.message.size(), 500U);
    EXPECT_THAT(loud.error.message, HasSubstr("Odd\\x1b[31m: \\x1b]0;\\x07\\xc2\\x9b"));
}

TEST(Header, IsFoundByItsNameAndTrimmed) {
    const HttpAnswer with{200, {{"etag", "\"a\""}, {"date", "  x\t"}, {"date", "y"}, {"empty", " "}}, {}};
    EXPECT_EQ(header(with, "date"), "x");
    EXPECT_EQ(header(with, "etag"), "\"a\"");
    EXPECT_EQ(header(with, "empty"), "");
    EXPECT_EQ(header(with, "ETag"), std::nullopt);
}

TEST(HttpDate, HasThreeForms) {
    EXPECT_EQ(http_date_ms("Sun, 06 Nov 1994 08:49:37 GMT"), kNow);
    EXPECT_EQ(http_date_ms("Sunday, 06-Nov-94 08:49:37 GMT"), kNow);
    EXPECT_EQ(http_date_ms("Sun Nov  6 08:49:37 1994"), kNow);
    EXPECT_EQ(http_date_ms("Wed Nov 16 08:49:37 1994"), kNow + int64_t{10} * 86'400'000);
}

TEST(HttpDate, ReachesFrom1970To2255) {
    EXPECT_EQ(http_date_ms("Thu, 01 Jan 1970 00:00:00 GMT"), 0);
    EXPECT_EQ(http_date_ms("Mon, 31 Dec 2255 23:59:59 GMT"), 9'025'257'599'000);
    EXPECT_EQ(http_date_ms("Wed, 31 Dec 1969 23:59:59 GMT"), std::nullopt);
    EXPECT_EQ(http_date_ms("Tue, 01 Jan 2256 00:00:00 GMT"), std::nullopt);
    EXPECT_EQ(http_date_ms("Thursday, 01-Jan-70 00:00:00 GMT"), 0);
    EXPECT_EQ(http_date_ms("Tuesday, 31-Dec-69 00:00:00 GMT"), http_date_ms("Tue, 31 Dec 2069 00:00:00 GMT"));
    EXPECT_EQ(http_date_ms("Thu, 29 Feb 2024 00:00:60 GMT"), http_date_ms("Thu, 29 Feb 2024 00:01:00 GMT"));
}

TEST(HttpDate, WhatIsNoneIsNone) {
    for (const char* bad :
         {"", "now", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 06 Nov 1994 08:49:37 GMT ",
          "Sun, 6 Nov 1994 08:49:37 GMT", "sun, 06 nov 1994 08:49:37 gmt", "Sun, 06 Nov 94 08:49:37 GMT",
          "Foo, 06 Nov 1994 08:49:37 GMT", "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 29 Feb 2023 08:49:37 GMT",
          "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 06 Nov 1994 08:49:61 GMT",
          "Sun, 00 Nov 1994 08:49:37 GMT", "784111777", "Sun Nov 06 08:49:37 1994 GMT",
          "Sun, 06 Nov 1994 -8:49:37 GMT"})
        EXPECT_EQ(http_date_ms(bad), std::nullopt) << bad;
    EXPECT_TRUE(http_date_ms("Sun Nov 06 08:49:37 1994"));
}

}  // namespace
}  // namespace bae::s3
