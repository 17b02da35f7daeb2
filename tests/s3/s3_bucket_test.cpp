// The client against a server that answers as told. What real servers do is the business of tests/conformance.
#include "s3/s3_bucket.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "crypto/hash.h"
#include "s3/s3_server.h"
#include "s3/scripted_server.h"

namespace bae::s3 {
namespace {

using Requests = std::vector<ScriptedRequest>;

template <class T>
std::string kind_of(const Result<T>& result) {
    return result ? "ok" : std::string(to_string(result.error().kind));
}
template <class T>
std::string message_of(const Result<T>& result) {
    return result ? "" : result.error().message;
}

// The answers of one test, in order; the last one stays.
class S3BucketTest : public testing::Test {
  protected:
    void serve(ScriptedServer::Handler handler) {
        bucket.reset();
        server = std::make_unique<ScriptedServer>(std::move(handler));
    }
    void answer(std::vector<ScriptedAnswer> answers) {
        auto next = std::make_shared<size_t>(0);
        serve([answers, next](const ScriptedRequest&) { return answers[std::min(answers.size() - 1, (*next)++)]; });
    }
    S3Bucket& open(const std::function<void(S3Options&)>& change = {}) {
        S3Options options = options_for(*server, "pre/fix");
        if (change) change(options);
        auto opened = open_s3_bucket(std::move(options), crypto::system_random());
        EXPECT_TRUE(opened) << message_of(opened);
        bucket = std::move(*opened);
        return *bucket;
    }
    // "GET /bucket/pre/fix/a" of each request so far.
    std::vector<std::string> asked() const {
        std::vector<std::string> out;
        for (const ScriptedRequest& request : server->requests()) out.push_back(request.method + " " + request.path);
        return out;
    }
    using Lines = std::vector<std::string>;

    std::unique_ptr<ScriptedServer> server;
    std::unique_ptr<S3Bucket> bucket;
};

TEST_F(S3BucketTest, RequestsAreSignedWithTheHostAndTheHashOfTheBody) {
    answer({ScriptedAnswer::of(200)});
    auto& client = open([](S3Options& options) {
        options.credentials.session_token = crypto::SecretBytes::copy_of(as_bytes("a-token"));
    });
    ASSERT_TRUE(client.put("a/b", as_bytes("body")));
    const ScriptedRequest request = server->requests().at(0);
    EXPECT_EQ(request.method + request.target, "PUT/bucket/pre/fix/a/b");
    EXPECT_EQ(request.header("host"), server->host());
    EXPECT_EQ(request.header("x-amz-content-sha256"), hex_encode(crypto::sha256(as_bytes("body")).view()));
    EXPECT_EQ(request.header("x-amz-security-token"), "a-token");
    const std::string authorization = request.header("authorization");
    EXPECT_TRUE(authorization.starts_with("AWS4-HMAC-SHA256 Credential=key/")) << authorization;
    EXPECT_NE(authorization.find("/here/s3/aws4_request"), std::string::npos);
    for (const std::string_view name : {"host", "x-amz-content-sha256", "x-amz-date", "x-amz-security-token"})
        EXPECT_NE(authorization.find(name), std::string::npos) << name;
    for (const auto& [name, value] : request.headers) EXPECT_FALSE(name.starts_with("x-amz-checksum")) << name;
}

TEST_F(S3BucketTest, ReadsAreSignedWithTheHashOfNothing) {
    answer({ScriptedAnswer::of(200, "x")});
    ASSERT_TRUE(open().get("a", 10));
    EXPECT_EQ(server->requests().at(0).header("x-amz-content-sha256"), hex_encode(crypto::sha256({}).view()));
}

TEST_F(S3BucketTest, ABucketMayStandInTheHost) {
    answer({ScriptedAnswer::of(200, "x")});
    auto& client = open([&](S3Options& options) {
        options.place = *parse_s3_url("s3://bucket/p?endpoint=http://s3.localhost:" + std::to_string(server->port()) +
                                      "&region=here&style=virtual");
    });
    ASSERT_TRUE(client.get("a", 10));
    EXPECT_EQ(server->requests().at(0).header("host"), "bucket.s3.localhost:" + std::to_string(server->port()));
    EXPECT_EQ(server->requests().at(0).path, "/p/a");
}

// Creating.

TEST_F(S3BucketTest, CreatingIsOneConditionalRequest) {
    answer({ScriptedAnswer::of(200), ScriptedAnswer::error(412, "PreconditionFailed")});
    auto& client = open();
    EXPECT_EQ(*client.put_if_absent("a", as_bytes("x")), PutOutcome::created);
    EXPECT_EQ(client.conditional_put(), ConditionalPut::unknown);
    EXPECT_EQ(*client.put_if_absent("a", as_bytes("x")), PutOutcome::exists);
    EXPECT_EQ(client.conditional_put(), ConditionalPut::honoured);
    EXPECT_EQ(server->request_count(), 2U);
    for (const ScriptedRequest& request : server->requests()) EXPECT_EQ(request.header("if-none-match"), "*");
}

TEST_F(S3BucketTest, NotModifiedIsNoSuccessOfAWrite) {
    answer({ScriptedAnswer::raw("HTTP/1.1 304 Not Modified\r\n\r\n")});
    EXPECT_EQ(kind_of(open().put_if_absent("a", as_bytes("x"))), "corrupt");
    EXPECT_EQ(kind_of(bucket->put("a", as_bytes("x"))), "corrupt");
    EXPECT_EQ(kind_of(bucket->get_range("a", 0, 10)), "corrupt");
}

TEST_F(S3BucketTest, AConflictOfCreatorsIsTriedAgain) {
    answer({ScriptedAnswer::error(409, "ConditionalRequestConflict"), ScriptedAnswer::of(200)});
    EXPECT_EQ(*open().put_if_absent("a", as_bytes("x")), PutOutcome::created);
    EXPECT_EQ(server->request_count(), 2U);
}

class RefusesConditions : public S3BucketTest, public testing::WithParamInterface<int> {};

TEST_P(RefusesConditions, AreRememberedAndDoneWithout) {
    bool is_there = false;
    serve([&](const ScriptedRequest& request) {
        if (!request.header("if-none-match").empty()) return ScriptedAnswer::error(GetParam(), "NotImplemented");
        if (request.method == "PUT") is_there = true;
        return is_there ? ScriptedAnswer::of(200) : ScriptedAnswer::of(404);
    });
    auto& client = open();
    EXPECT_EQ(*client.put_if_absent("a", as_bytes("x")), PutOutcome::created);
    EXPECT_EQ(client.conditional_put(), ConditionalPut::refused);
    EXPECT_EQ(*client.put_if_absent("a", as_bytes("x")), PutOutcome::exists);
    const std::string key = " /bucket/pre/fix/a";
    EXPECT_EQ(asked(), (Lines{"PUT" + key, "HEAD" + key, "PUT" + key, "HEAD" + key}));
}

INSTANTIATE_TEST_SUITE_P(Servers, RefusesConditions, testing::Values(400, 501));

TEST_F(S3BucketTest, OneRefusalDoesNotEndAConditionThatIsHonoured) {
    answer({ScriptedAnswer::error(501, "NotImplemented"), ScriptedAnswer::of(404), ScriptedAnswer::of(200),
            ScriptedAnswer::error(412, "PreconditionFailed")});
    auto& client = open([](S3Options& options) { options.conditional_put = ConditionalPut::honoured; });
    EXPECT_EQ(*client.put_if_absent("a", as_bytes("x")), PutOutcome::created);
    EXPECT_EQ(client.conditional_put(), ConditionalPut::honoured);
    EXPECT_EQ(*client.put_if_absent("b", as_bytes("x")), PutOutcome::exists);
    EXPECT_EQ(server->requests().back().header("if-none-match"), "*");
}

TEST_F(S3BucketTest, WhereConditionsAreIgnoredNoneIsSent) {
    answer({ScriptedAnswer::of(404), ScriptedAnswer::of(200)});
    auto& client = open([](S3Options& options) { options.conditional_put = ConditionalPut::ignored; });
    EXPECT_EQ(*client.put_if_absent("a", as_bytes("x")), PutOutcome::created);
    for (const ScriptedRequest& request : server->requests()) EXPECT_EQ(request.header("if-none-match"), "");
}

// A server that stores, and loses answers of PUTs.
class LosesAnswers : public S3BucketTest {
  protected:
    // `lost`: how many answers of PUTs get lost, by closing the connection or as an error.
    void store(int lost, bool as_error, std::string there = {}) {
        serve([=, objects = std::optional<std::string>(), lost = lost](const ScriptedRequest& request) mutable {
            if (!there.empty() && !objects) objects = there;
            if (request.method == "PUT") {
                const bool exists = objects.has_value();
                if (!exists) objects = request.body;
                if (lost-- > 0) return as_error ? ScriptedAnswer::error(500, "InternalError") : ScriptedAnswer::none();
                return exists ? ScriptedAnswer::error(412, "PreconditionFailed") : ScriptedAnswer::of(200);
            }
            if (!objects && request.method == "GET") return ScriptedAnswer::error(404, "NoSuchKey");
            if (!objects) return ScriptedAnswer::of(404);
            if (request.method == "HEAD")
                return ScriptedAnswer::of(200, "", {{"Content-Length", std::to_string(objects->size())}});
            const size_t size = objects->size();
            return ScriptedAnswer::of(
                206, *objects,
                {{"ETag", "\"e\""},
                 {"Content-Range", "bytes 0-" + std::to_string(size - 1) + "/" + std::to_string(size)}});
        });
    }
};

TEST_F(LosesAnswers, OwnBytesFoundAfterwardsAreCreated) {
    for (const bool as_error : {false, true}) {
        store(1, as_error);
        EXPECT_EQ(*open().put_if_absent("a", as_bytes("mine")), PutOutcome::created);
    }
}

TEST_F(LosesAnswers, OtherBytesFoundAfterwardsExist) {
    for (const bool as_error : {false, true}) {
        store(1, as_error, "other");
        EXPECT_EQ(*open().put_if_absent("a", as_bytes("mine!")), PutOutcome::exists);
    }
}

TEST_F(LosesAnswers, AlsoOverAConnectionThatWasOpenBefore) {  // libcurl repeats it by itself
    store(1, false);
    auto& client = open();
    EXPECT_EQ(kind_of(client.get("a", 10)), "not_found");
    EXPECT_EQ(*client.put_if_absent("a", as_bytes("mine")), PutOutcome::created);
    EXPECT_EQ(client.counts().put, 1U) << "libcurl did not";
}

TEST_F(LosesAnswers, AnsweredExistsIsBelievedWithoutReading) {
    store(0, false, "mine");
    EXPECT_EQ(*open().put_if_absent("a", as_bytes("mine")), PutOutcome::exists);
    EXPECT_EQ(server->request_count(), 1U);
}

// Trying again.

TEST_F(S3BucketTest, TransientAnswersAreTriedAgain) {
    for (const auto& [status, code] : std::vector<std::pair<int, std::string>>{{500, "InternalError"},
                                                                               {503, "SlowDown"},
                                                                               {503, "ServiceUnavailable"},
                                                                               {429, "TooManyRequests"},
                                                                               {408, "RequestTimeout"},
                                                                               {400, "RequestTimeout"},
                                                                               {502, "x"},
                                                                               {504, "x"}}) {
        answer({ScriptedAnswer::error(status, code), ScriptedAnswer::of(200, "x")});
        EXPECT_EQ(kind_of(open().get("a", 10)), "ok") << status << code;
        EXPECT_EQ(server->request_count(), 2U);
    }
}

TEST_F(S3BucketTest, ACutBodyIsReadAgain) {
    answer({ScriptedAnswer::raw("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwh"), ScriptedAnswer::of(200, "whole")});
    EXPECT_EQ(as_text(*open().get("a", 10)), "whole");
}

TEST_F(S3BucketTest, GivesUpAfterTheLastAttemptAndSaysSo) {
    answer({ScriptedAnswer::error(503, "SlowDown")});
    std::vector<int> attempts;
    auto& client = open([&](S3Options& options) {
        options.on_retry = [&](const Error&, int attempt, int64_t) { attempts.push_back(attempt); };
    });
    const auto got = client.get("a", 10);
    EXPECT_EQ(kind_of(got), "retry");
    EXPECT_TRUE(message_of(got).starts_with("a: tried 4 times: ")) << message_of(got);
    EXPECT_EQ(server->request_count(), 4U);
    EXPECT_EQ(attempts, (std::vector<int>{1, 2, 3}));
}

TEST_F(S3BucketTest, ALongerWaitThanTheLimitInTimeIsNotWaited) {
    answer({ScriptedAnswer::error(503, "SlowDown", "", {{"Retry-After", "3000"}})});
    auto& client = open([](S3Options& options) { options.retry.give_up_after_ms = 1000; });
    EXPECT_EQ(kind_of(client.get("a", 10)), "retry");
    EXPECT_EQ(server->request_count(), 1U);
}

TEST_F(S3BucketTest, TheServersOwnPauseIsKept) {
    answer({ScriptedAnswer::error(503, "SlowDown", "", {{"Retry-After", "1"}}), ScriptedAnswer::of(200, "x")});
    std::vector<int64_t> pauses;
    auto& client = open([&](S3Options& options) {
        options.on_retry = [&](const Error&, int, int64_t delay_ms) { pauses.push_back(delay_ms); };
        options.cancelled = [&] { return !pauses.empty(); };
    });
    EXPECT_EQ(kind_of(client.get("a", 10)), "cancelled");
    EXPECT_EQ(pauses, std::vector<int64_t>{1000});
}

TEST_F(S3BucketTest, FinalAnswersAreNotTriedAgain) {
    for (const auto& [status, code, kind] :
         std::vector<std::tuple<int, std::string, std::string>>{{404, "NoSuchKey", "not_found"},
                                                                {404, "NoSuchBucket", "denied"},
                                                                {403, "AccessDenied", "denied"},
                                                                {403, "SignatureDoesNotMatch", "denied"},
                                                                {501, "NotImplemented", "unsupported"}}) {
        answer({ScriptedAnswer::error(status, code)});
        const auto got = open().get("a", 10);
        EXPECT_EQ(kind_of(got), kind) << code;
        EXPECT_NE(message_of(got).find('a'), std::string::npos);
        EXPECT_EQ(server->request_count(), 1U) << code;
    }
}

TEST_F(S3BucketTest, AStalledRequestEndsWhenAskedTo) {
    answer({ScriptedAnswer::silence()});
    std::atomic<int> asked = 0;
    auto& client = open([&](S3Options& options) { options.cancelled = [&] { return ++asked > 3; }; });
    EXPECT_EQ(kind_of(client.get("a", 10)), "cancelled");
}

TEST(S3Server, HalvesWithEveryRequestToSlowDownAndGrowsBackSlowly) {
    S3Server server({.bucket = "bucket"}, ConditionalPut::unknown, 8);
    server.saw_answer(true);
    EXPECT_EQ(server.width(), 4);
    for (int i = 0; i < 5; i++) server.saw_answer(true);
    EXPECT_EQ(server.width(), 1);
    for (int i = 0; i < 20; i++) server.saw_answer(false);
    EXPECT_EQ(server.width(), 2);
    for (int i = 0; i < 1000; i++) server.saw_answer(false);
    EXPECT_EQ(server.width(), 8);
}

// Region and clock.

ScriptedAnswer wrong_region(const std::string& region) {
    return ScriptedAnswer::error(400, "AuthorizationHeaderMalformed", "<Region>" + region + "</Region>");
}
bool is_for(const ScriptedRequest& request, const std::string& region) {
    return request.header("authorization").find("/" + region + "/s3/aws4_request") != std::string::npos;
}

TEST_F(S3BucketTest, TheRegionIsLearntOnce) {
    serve([](const ScriptedRequest& request) {
        return is_for(request, "eu-x-1") ? ScriptedAnswer::of(200, "x") : wrong_region("eu-x-1");
    });
    auto& client = open([](S3Options& options) { options.place.region.clear(); });
    EXPECT_EQ(client.region(), "");
    EXPECT_EQ(kind_of(client.get("a", 10)), "ok");
    EXPECT_EQ(client.region(), "eu-x-1");
    EXPECT_EQ(kind_of(client.get("a", 10)), "ok");
    ASSERT_EQ(server->request_count(), 3U);
    EXPECT_TRUE(is_for(server->requests()[0], "us-east-1"));
    EXPECT_TRUE(is_for(server->requests()[2], "eu-x-1"));
}

TEST_F(S3BucketTest, TheRegionIsAlsoLearntWhereAnAnswerHasNoBody) {
    serve([](const ScriptedRequest& request) {
        if (is_for(request, "eu-x-1")) return ScriptedAnswer::of(200, request.method == "HEAD" ? "" : "x");
        return request.method == "HEAD" ? ScriptedAnswer::of(400) : wrong_region("eu-x-1");
    });
    EXPECT_EQ(kind_of(open().stat("a")), "ok");
    EXPECT_EQ(server->requests().back().method, "HEAD");
}

TEST_F(S3BucketTest, ServersThatNameAnotherRegionEveryTimeAreNotFollowedForever) {
    serve([n = 0](const ScriptedRequest&) mutable { return wrong_region("r-" + std::to_string(n++)); });
    EXPECT_EQ(kind_of(open().get("a", 10)), "denied");
    EXPECT_LE(server->request_count(), 5U);
    serve([](const ScriptedRequest&) { return wrong_region("here"); });
    EXPECT_EQ(kind_of(open().get("a", 10)), "denied");
    EXPECT_EQ(server->request_count(), 1U);
}

TEST_F(S3BucketTest, NoOtherHostGetsOurRequests) {
    for (const std::string host : {"elsewhere.example", "127.0.0.1:1", "evil.127.0.0.1.example"}) {
        answer({ScriptedAnswer::error(301, "PermanentRedirect", "<Endpoint>" + host + "</Endpoint>")});
        const auto got = open().get("a", 10);
        EXPECT_EQ(kind_of(got), "denied");
        EXPECT_EQ(server->request_count(), 1U);
        EXPECT_NE(message_of(got).find(host), std::string::npos) << message_of(got);
    }
}

TEST(S3Server, FollowsRedirectsToHostsOfTheSameServer) {
    const auto moved = [](const std::string& url, const std::string& endpoint) {
        S3Server server(*parse_s3_url(url), ConditionalPut::unknown, 1);
        Verdict verdict;
        verdict.endpoint = endpoint;
        const auto moved_to = server.redirected(server.target(), verdict);
        const S3Host host = server.target().host;
        return moved_to ? host.origin + host.path : std::string(to_string(moved_to.error().kind));
    };
    EXPECT_EQ(moved("s3://bucket", "bucket.s3-eu-west-1.amazonaws.com"), "https://bucket.s3-eu-west-1.amazonaws.com");
    EXPECT_EQ(moved("s3://bucket?style=path", "s3-eu-west-1.amazonaws.com"),
              "https://s3-eu-west-1.amazonaws.com/bucket");
    EXPECT_EQ(moved("s3://bucket", "bucket.s3.amazonaws.com.evil.example"), "denied");
    EXPECT_EQ(moved("s3://bucket", "evilamazonaws.com"), "denied");
    EXPECT_EQ(moved("s3://bucket?endpoint=https://s3.example", "eu.s3.example"), "https://eu.s3.example/bucket");
    EXPECT_EQ(moved("s3://bucket?endpoint=https://s3.example", "bucket.s3.example"), "https://bucket.s3.example");
    EXPECT_EQ(moved("s3://bucket?endpoint=https://s3.example", "s3.example.evil.example"), "denied");
    EXPECT_EQ(moved("s3://bucket?endpoint=https://s3.example", "evils3.example"), "denied");
    EXPECT_EQ(moved("s3://bucket?endpoint=http://localhost:1", "eu.localhost:1"), "http://eu.localhost:1/bucket");
    EXPECT_EQ(moved("s3://bucket?endpoint=http://127.0.0.1:1", "x.127.0.0.1:1"), "denied");
    EXPECT_EQ(moved("s3://bucket?endpoint=https://s3.example", "no host"), "denied");
}

TEST(S3Server, ALearntRegionOfAwsChangesTheHost) {
    S3Server server(*parse_s3_url("s3://bucket"), ConditionalPut::unknown, 1);
    const auto before = server.target();
    EXPECT_EQ(before.host.origin, "https://bucket.s3.us-east-1.amazonaws.com");
    Verdict verdict;
    verdict.region = "eu-west-1";
    verdict.endpoint = "bucket.s3.amazonaws.com";
    ASSERT_TRUE(server.redirected(before, verdict));
    EXPECT_EQ(server.target().host.origin, "https://bucket.s3.eu-west-1.amazonaws.com");
    EXPECT_EQ(server.target().region, "eu-west-1");
    verdict.region = "us-west-2";
    ASSERT_TRUE(server.redirected(before, verdict)) << "an answer to what was sent before is no news";
    EXPECT_EQ(server.target().region, "eu-west-1");
}

TEST(S3Server, ARegionThatMakesNoHostNameIsNotTaken) {
    for (const std::string& region : {std::string("EU"), std::string("eu-"), std::string(64, 'a')}) {
        S3Server server(*parse_s3_url("s3://bucket"), ConditionalPut::unknown, 1);
        const auto before = server.target();
        Verdict verdict;
        verdict.region = region;
        EXPECT_EQ(kind_of(server.redirected(before, verdict)), "denied") << region;
        EXPECT_EQ(server.target(), before);
    }
}

constexpr std::string_view kDate = "Tue, 20 Oct 2026 12:00:00 GMT";

TEST_F(S3BucketTest, SignaturesFollowTheServersClockOnceItIsKnown) {
    serve([](const ScriptedRequest& request) {
        if (request.header("x-amz-date") == "20261020T120000Z") return ScriptedAnswer::of(200, "x");
        return ScriptedAnswer::error(403, "RequestTimeTooSkewed", "", {{"Date", std::string(kDate)}});
    });
    const int64_t now_ms = *http_date_ms(kDate) + 3'600'000;
    auto& client = open([&](S3Options& options) { options.now_ms = [=] { return now_ms; }; });
    EXPECT_EQ(client.clock_ms(), std::nullopt);
    EXPECT_EQ(kind_of(client.get("a", 10)), "ok");
    EXPECT_EQ(kind_of(client.get("a", 10)), "ok");
    EXPECT_EQ(server->request_count(), 3U);
    EXPECT_EQ(client.clock_offset_ms(), -3'600'000);
    EXPECT_EQ(client.clock_ms(), http_date_ms(kDate));
}

TEST_F(S3BucketTest, AClockThatIsNeverRightIsAnErrorAfterOneCorrection) {
    answer({ScriptedAnswer::error(403, "RequestTimeTooSkewed", "", {{"Date", std::string(kDate)}})});
    EXPECT_EQ(kind_of(open().get("a", 10)), "denied");
    EXPECT_EQ(server->request_count(), 2U);
}

TEST_F(S3BucketTest, AnAnswerWithinTheToleranceDoesNotChangeSignatures) {
    answer({ScriptedAnswer::of(200, "x", {{"Date", std::string(kDate)}})});
    const int64_t now_ms = *http_date_ms(kDate) + 60'000;
    auto& client = open([&](S3Options& options) { options.now_ms = [=] { return now_ms; }; });
    for (int i = 0; i < 2; i++) EXPECT_EQ(kind_of(client.get("a", 10)), "ok");
    EXPECT_EQ(server->requests()[1].header("x-amz-date"), "20261020T120100Z");
    EXPECT_EQ(client.clock_offset_ms(), -60'000);
}

// Reading.

TEST_F(S3BucketTest, AnObjectOverTheLimitIsRefusedUnreadAndOnce) {
    answer({ScriptedAnswer::of(200, "12345")});
    EXPECT_EQ(kind_of(open().get("a", 4)), "corrupt");
    EXPECT_EQ(server->request_count(), 1U);
    EXPECT_EQ(bucket->counts().bytes_received, 0U);
}

TEST_F(S3BucketTest, TheReasonOfARefusedStatIsAskedFor) {
    serve([](const ScriptedRequest& request) {
        if (request.method == "HEAD") return ScriptedAnswer::of(403, "", {{"Content-Length", "0"}});
        return ScriptedAnswer::error(403, "SignatureDoesNotMatch");
    });
    const auto got = open().stat("a");
    EXPECT_EQ(kind_of(got), "denied");
    EXPECT_NE(message_of(got).find("secret key"), std::string::npos) << message_of(got);
    EXPECT_EQ(server->requests().back().header("range"), "bytes=0-0");
}

TEST_F(S3BucketTest, ARefusedStatWhoseObjectMayBeReadStaysRefused) {
    serve([](const ScriptedRequest& request) {
        return request.method == "HEAD" ? ScriptedAnswer::of(403) : ScriptedAnswer::of(206, "x");
    });
    EXPECT_EQ(kind_of(open().stat("a")), "denied");
    EXPECT_EQ(server->request_count(), 2U);
}

TEST_F(S3BucketTest, StatReadsTheHead) {
    answer({ScriptedAnswer::of(
        200, "",
        {{"Content-Length", "12345678901"}, {"ETag", "\"abc\""}, {"Last-Modified", "Tue, 20 Oct 2026 12:00:00 GMT"}})});
    EXPECT_EQ(*open().stat("a"), (ObjectInfo{"a", 12'345'678'901, "abc", *http_date_ms(kDate)}));
    answer({ScriptedAnswer::raw("HTTP/1.1 200 OK\r\n\r\n")});
    EXPECT_EQ(kind_of(open().stat("a")), "corrupt");
}

TEST_F(S3BucketTest, RemovingWhatIsAbsentIsFine) {
    answer({ScriptedAnswer::of(204), ScriptedAnswer::error(404, "NoSuchKey"),
            ScriptedAnswer::error(404, "NoSuchBucket"), ScriptedAnswer::error(403, "AccessDenied")});
    auto& client = open();
    EXPECT_EQ(kind_of(client.remove("a")), "ok");
    EXPECT_EQ(kind_of(client.remove("a")), "ok");
    EXPECT_EQ(kind_of(client.remove("a")), "denied");
    EXPECT_EQ(kind_of(client.remove("a")), "denied");
}

TEST_F(S3BucketTest, EveryAttemptIsCounted) {
    answer({ScriptedAnswer::error(500, "InternalError"), ScriptedAnswer::of(200, "12345")});
    auto& client = open();
    ASSERT_TRUE(client.get("a", 10));
    ASSERT_TRUE(client.put("a", as_bytes("123")));
    const CallCounts counts = client.counts();
    EXPECT_EQ(counts.get, 2U);
    EXPECT_EQ(counts.put, 1U);
    EXPECT_EQ(counts.total(), 3U);
    EXPECT_EQ(counts.bytes_sent, 3U);
    EXPECT_GE(counts.bytes_received, 10U);
}

TEST_F(S3BucketTest, SeveralThreadsShareABucketAndItsConnections) {
    constexpr int kThreads = 6, kReads = 30;
    serve([](const ScriptedRequest& request) { return ScriptedAnswer::of(200, request.path); });
    auto& client = open();
    std::atomic<int> right = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; i++)
        threads.emplace_back([&, name = "t" + std::to_string(i)] {
            for (int n = 0; n < kReads; n++) {
                const auto got = client.get(name, 100);
                if (got && as_text(*got) == "/bucket/pre/fix/" + name) right++;
            }
        });
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(right, kThreads * kReads);
    EXPECT_EQ(client.counts().get, static_cast<uint64_t>(kThreads * kReads));
    EXPECT_LE(server->connections(), kThreads);
}

TEST_F(S3BucketTest, ABucketOfOursMayBeMadeAgain) {
    answer({ScriptedAnswer::of(200)});
    EXPECT_EQ(kind_of(open().create_bucket()), "ok");
    EXPECT_EQ(asked(), Lines{"PUT /bucket/"});
    answer({ScriptedAnswer::error(409, "BucketAlreadyOwnedByYou")});
    EXPECT_EQ(kind_of(open().create_bucket()), "ok");
    answer({ScriptedAnswer::error(409, "BucketAlreadyExists"), ScriptedAnswer::of(200, "<ListBucketResult/>")});
    EXPECT_EQ(kind_of(open().create_bucket()), "ok");
    answer({ScriptedAnswer::error(409, "BucketAlreadyExists"), ScriptedAnswer::error(403, "AccessDenied")});
    EXPECT_EQ(kind_of(open().create_bucket()), "conflict");
    answer({ScriptedAnswer::error(403, "AccessDenied")});
    EXPECT_EQ(kind_of(open().create_bucket()), "denied");
}

TEST_F(S3BucketTest, VersioningIsAskedOfTheBucket) {
    answer({ScriptedAnswer::of(200, "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>")});
    EXPECT_EQ(*open().versioning(), Versioning::enabled);
    EXPECT_EQ(server->requests().at(0).target, "/bucket/?versioning=");
}

TEST_F(S3BucketTest, LimitsOutOfRangeAreRefused) {
    answer({ScriptedAnswer::of(200)});
    const auto refused = [&](auto change) {
        S3Options options = options_for(*server);
        change(options);
        return kind_of(open_s3_bucket(std::move(options), crypto::system_random()));
    };
    EXPECT_EQ(refused([](S3Options&) {}), "ok");
    EXPECT_EQ(refused([](S3Options& o) { o.part_bytes = (5 << 20) - 1; }), "invalid_input");
    EXPECT_EQ(refused([](S3Options& o) { o.parallel = 0; }), "invalid_input");
    EXPECT_EQ(refused([](S3Options& o) { o.parallel = 1000; }), "invalid_input");
    EXPECT_EQ(refused([](S3Options& o) { o.stall_timeout_ms = 0; }), "invalid_input");
    EXPECT_EQ(refused([](S3Options& o) { o.connect_timeout_ms = INT64_MAX; }), "invalid_input");
    EXPECT_EQ(refused([](S3Options& o) { o.credentials.access_key.clear(); }), "invalid_input");
    EXPECT_EQ(refused([](S3Options& o) { o.place.endpoint = "http://s3.example"; }), "invalid_input");
    EXPECT_EQ(refused([](S3Options& o) { o.place.bucket = "UPPER"; }), "invalid_input");
}

TEST_F(S3BucketTest, AnUnreachableServerIsTransientAndNamed) {
    answer({ScriptedAnswer::of(200)});
    auto& client = open();
    const std::string host = server->host();
    server.reset();
    const auto got = client.get("a", 10);
    EXPECT_EQ(kind_of(got), "retry");
    EXPECT_NE(message_of(got).find(host), std::string::npos) << message_of(got);
}

}  // namespace
}  // namespace bae::s3
