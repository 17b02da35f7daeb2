// What bucket.h does not say and only a real server can show: regions, hosts, clocks, credentials, parts, requests.
#include <thread>

#include "conformance/s3_storage.h"
#include "conformance/suite.h"
#include "s3/probe.h"

namespace bae::s3::conformance {

// As blobs are: their path follows from their bytes, so what was sent of them may be used again.
class ContentBody : public MemoryBody {
  public:
    using MemoryBody::MemoryBody;
    bool content_addressed() const override { return true; }
};

class RealServer : public testing::TestWithParam<std::string> {
  protected:
    void SetUp() override {
        if (!server.missing.empty()) GTEST_SKIP() << server.missing;
        proxy = std::make_unique<servers::FaultProxy>(server, std::vector<std::string>{"--seed", "1"});
    }
    std::unique_ptr<S3Bucket> open(const std::function<void(S3Options&)>& change = {}) {
        S3Options options = options_for(server, prefix, proxy->url());
        if (change) change(options);
        auto opened = open_s3_bucket(std::move(options), crypto::system_random());
        EXPECT_TRUE(opened) << opened.error().message;
        return std::move(*opened);
    }
    static Result<PutOutcome> put_blob(S3Bucket& bucket, ByteView bytes) {
        ContentBody body(bytes);
        return bucket.put_if_absent("blob", body);
    }
    // Works as a bucket does.
    void expect_works(Bucket& bucket, const std::string& path) {
        const auto put = bucket.put(path, as_bytes(path));
        EXPECT_TRUE(put) << put.error().message;
        const auto got = bucket.get(path, 1000);
        ASSERT_TRUE(got) << got.error().message;
        EXPECT_EQ(as_text(*got), path);
        const auto listed = bucket.list_all(path);
        ASSERT_TRUE(listed) << listed.error().message;
        EXPECT_EQ(listed->size(), 1U);
    }
    bool has_conditions() const { return GetParam() == "radosgw"; }

    const servers::Server server = servers::shared_server(GetParam());
    const std::string prefix = random_prefix();
    std::unique_ptr<servers::FaultProxy> proxy;
};

TEST_P(RealServer, ABucketMayStandInTheHost) {
    const auto bucket = open([&](S3Options& options) {
        options.place.endpoint = "http://localhost" + server.endpoint.substr(server.endpoint.rfind(':'));
        options.place.style = S3Place::Style::virtual_host;
    });
    expect_works(*bucket, "a/b");
    expect_works(*open(), "a/b");
}

TEST_P(RealServer, AnUnknownOrWrongRegionIsFoundOut) {
    for (const char* region : {"", "eu-elsewhere-9"}) {
        const auto bucket = open([&](S3Options& options) { options.place.region = region; });
        expect_works(*bucket, "a");
        if (GetParam() == "swift" && region[0] != '\0') {  // the other one takes any
            EXPECT_EQ(bucket->region(), server.region);
        }
    }
}

TEST_P(RealServer, WrongCredentialsAreDenied) {
    ASSERT_TRUE(open()->put("a", as_bytes("x")));
    const auto wrong_secret = open(
        [](S3Options& options) { options.credentials.secret_key = crypto::SecretBytes::copy_of(as_bytes("wrong")); });
    const auto wrong_key = open([](S3Options& options) { options.credentials.access_key += "x"; });
    for (Bucket* bucket : {wrong_secret.get(), wrong_key.get()}) {
        EXPECT_EQ(kind_of(bucket->get("a", 10)), ErrorKind::denied);
        EXPECT_EQ(kind_of(bucket->stat("a")), ErrorKind::denied);
        EXPECT_EQ(kind_of(bucket->put("a", as_bytes("y"))), ErrorKind::denied);
        EXPECT_EQ(kind_of(bucket->put_if_absent("b", as_bytes("y"))), ErrorKind::denied);
        EXPECT_EQ(kind_of(bucket->list("", "", 10)), ErrorKind::denied);
        EXPECT_EQ(kind_of(bucket->remove("a")), ErrorKind::denied);
    }
    expect_works(*open(), "a");
}

TEST_P(RealServer, AWrongClockOfOursIsCorrected) {
    for (const int64_t wrong_by : {-1'200'000, 1'200'000}) {
        const auto now = [=] {
            return std::chrono::duration_cast<std::chrono::milliseconds>(
                       std::chrono::system_clock::now().time_since_epoch())
                       .count() +
                   wrong_by;
        };
        const auto bucket = open([&](S3Options& options) { options.now_ms = now; });
        expect_works(*bucket, "a");
        ASSERT_TRUE(bucket->clock_offset_ms());
        EXPECT_NEAR(static_cast<double>(*bucket->clock_offset_ms()), static_cast<double>(-wrong_by), 30'000);
    }
}

TEST_P(RealServer, AWrongClockOfTheServersIsKept) {
    for (const char* offset : {"-1200", "1200"}) {
        proxy->set_faults(R"({"clock_offset": )" + std::string(offset) + "}");
        expect_works(*open(), "a");
    }
}

TEST_P(RealServer, ALargeBodyGoesInPartsAndComesBackInPieces) {
    const auto bucket = open();
    const Bytes bytes = patterned((12 << 20) + 1, 3);
    ASSERT_EQ(*put_blob(*bucket, bytes), PutOutcome::created);
    EXPECT_EQ(proxy->requests("PUT_PART"), 3U);
    EXPECT_EQ(proxy->requests("CREATE_UPLOAD"), 1U);
    EXPECT_EQ(proxy->requests("COMPLETE_UPLOAD"), 1U);
    EXPECT_EQ(proxy->requests("PUT"), 0U);
    EXPECT_TRUE(equal(*bucket->get_range("blob", 0, UINT64_MAX), bytes));
    EXPECT_EQ(*put_blob(*open(), bytes), PutOutcome::exists);
    EXPECT_EQ(proxy->requests("PUT_PART"), 3U);
}

TEST_P(RealServer, PartsThatAreThereAreNotSentAgain) {
    const Bytes bytes = patterned(20 << 20, 4);
    proxy->next(R"({"fault": "refuse", "kind": "PUT_PART", "skip": 2, "count": 1000})");
    const auto interrupted = open([](S3Options& options) { options.retry.attempts = 1, options.parallel = 1; });
    EXPECT_EQ(kind_of(put_blob(*interrupted, bytes)), ErrorKind::retry);
    const uint64_t sent = proxy->requests("PUT_PART");
    EXPECT_EQ(kind_of(open()->stat("blob")), ErrorKind::not_found);
    proxy = std::make_unique<servers::FaultProxy>(server, std::vector<std::string>{"--seed", "1"});
    ASSERT_EQ(*put_blob(*open(), bytes), PutOutcome::created);
    EXPECT_GE(sent, 3U);
    EXPECT_EQ(proxy->requests("PUT_PART"), 2U);
    EXPECT_TRUE(equal(*open()->get("blob", bytes.size()), bytes));
}

TEST_P(RealServer, PartsArriveThroughFaults) {
    proxy->set_faults(R"({"refuse": 0.1, "cut": 0.1, "lose_answer": 0.15, "status": {"500": 0.05, "503": 0.1}})");
    const Bytes bytes = patterned((20 << 20) + 77, 6);
    const auto outcome = put_blob(*open(), bytes);
    ASSERT_TRUE(outcome) << outcome.error().message;
    EXPECT_EQ(*outcome, PutOutcome::created);
    const auto got = open()->get("blob", bytes.size());
    ASSERT_TRUE(got) << got.error().message;
    EXPECT_TRUE(equal(*got, bytes));
    EXPECT_EQ(*put_blob(*open(), bytes), PutOutcome::exists);
}

TEST_P(RealServer, WhatStallsIsGivenUpAndDoneAgain) {
    const auto bucket = open([](S3Options& options) { options.stall_timeout_ms = 1000; });
    const Bytes bytes = patterned(1 << 20, 5);
    proxy->next(R"([{"fault": "stall", "kind": "PUT"}, {"fault": "stall", "kind": "GET"}])");
    ASSERT_TRUE(bucket->put("a", bytes));
    EXPECT_TRUE(equal(*bucket->get("a", bytes.size()), bytes));
    EXPECT_EQ(proxy->requests("PUT"), 2U);
    EXPECT_EQ(proxy->requests("GET"), 2U);
}

TEST_P(RealServer, OneCallIsOneRequestWhereConditionsAreHonoured) {
    const auto bucket = open();
    ASSERT_TRUE(bucket->put_if_absent("first", as_bytes("x")));  // finds out what the server does with conditions
    const uint64_t puts = proxy->requests("PUT");
    const uint64_t heads = proxy->requests("HEAD");
    EXPECT_EQ(bucket->conditional_put() == ConditionalPut::refused, !has_conditions());
    ASSERT_EQ(*bucket->put_if_absent("second", as_bytes("x")), PutOutcome::created);
    EXPECT_EQ(proxy->requests("PUT") - puts, 1U);
    EXPECT_EQ(proxy->requests("HEAD") - heads, has_conditions() ? 0U : 1U);
    ASSERT_TRUE(bucket->get("second", 10) && bucket->list("", "", 1000) && bucket->remove("second"));
    EXPECT_EQ(proxy->requests("GET"), 1U);
    EXPECT_EQ(proxy->requests("LIST"), 1U);
    EXPECT_EQ(proxy->requests("DELETE"), 1U);
}

// Swift ends the answer to such a HEAD with the end of a body that it does not have.
TEST_P(RealServer, AskingForWhatIsAbsentNeedsNoSecondAttempt) {
    int retries = 0;
    const auto bucket = open([&](S3Options& options) {
        options.place.endpoint = server.endpoint;
        options.on_retry = [&](const Error&, int, int64_t) { retries++; };
    });
    for (int i = 0; i < 50; i++) EXPECT_EQ(kind_of(bucket->stat("absent")), ErrorKind::not_found);
    EXPECT_EQ(bucket->counts().stat, 50U);
    EXPECT_EQ(retries, 0);
}

TEST_P(RealServer, WhatMayOnlyBeReadIsDeniedToWriters) {
    ASSERT_TRUE(open()->put("a", as_bytes("x")));
    proxy->set_faults(R"({"deny": ["PUT", "POST", "DELETE"]})");
    const auto bucket = open();
    EXPECT_EQ(as_text(*bucket->get("a", 10)), "x");
    EXPECT_EQ(kind_of(bucket->put("a", as_bytes("y"))), ErrorKind::denied);
    EXPECT_EQ(kind_of(bucket->put_if_absent("b", as_bytes("y"))), ErrorKind::denied);
    EXPECT_EQ(kind_of(bucket->remove("a")), ErrorKind::denied);
}

TEST_P(RealServer, WhatMayOnlyBeWrittenIsDeniedToReaders) {
    proxy->set_faults(R"({"deny": ["GET", "HEAD"]})");
    const auto bucket = open();
    EXPECT_TRUE(bucket->put("a", as_bytes("x")));
    EXPECT_EQ(kind_of(bucket->get("a", 10)), ErrorKind::denied);
    EXPECT_EQ(kind_of(bucket->stat("a")), ErrorKind::denied);
    EXPECT_EQ(kind_of(bucket->list("", "", 10)), ErrorKind::denied);
    if (has_conditions()) {
        EXPECT_EQ(*bucket->put_if_absent("b", as_bytes("x")), PutOutcome::created);
        EXPECT_EQ(*bucket->put_if_absent("b", as_bytes("y")), PutOutcome::exists);
    }
}

static Result<ProbeReport> probed(S3Bucket& bucket) {
    const auto run_parallel = [](std::vector<std::function<void()>> tasks) {
        std::vector<std::thread> threads;
        for (auto& task : tasks) threads.emplace_back(std::move(task));
        for (std::thread& thread : threads) thread.join();
    };
    const auto now_ms = [] {
        return static_cast<int64_t>(
            std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
                .count());
    };
    return probe(bucket, {crypto::system_random(), now_ms, run_parallel, 5, 0});
}

TEST_P(RealServer, TheProbeTellsWhatItDoesWithConditions) {
    const auto bucket = open();
    auto report = probed(*bucket);
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_TRUE(report->usable());
    EXPECT_EQ(report->conditional_put, has_conditions() ? ConditionalPut::honoured : ConditionalPut::refused);
    proxy->set_faults(R"({"ignore_conditions": true})");
    const auto ignorant = open();
    report = probed(*ignorant);
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_TRUE(report->usable());
    EXPECT_EQ(report->conditional_put, ConditionalPut::ignored);
    EXPECT_TRUE(bucket->list_all("")->empty());
}

INSTANTIATE_TEST_SUITE_P(On, RealServer, testing::Values("radosgw", "swift"),
                         [](const auto& tested) { return tested.param; });

}  // namespace bae::s3::conformance
