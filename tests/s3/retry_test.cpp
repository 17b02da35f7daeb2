#include "s3/retry.h"

#include <gtest/gtest.h>

#include "s3/fault_bucket.h"
#include "s3/memory_bucket.h"

namespace bae::s3 {
namespace {

const Error kTransient{ErrorKind::retry, "busy"};

// Always draws the same 64 bits: all zeros is the shortest pause.
class FixedRandom : public crypto::Random {
  public:
    void fill(ByteSpan out) override {
        std::fill(out.begin(), out.end(), std::byte{0});
        std::memcpy(out.data(), &value, std::min(out.size(), sizeof value));
    }
    uint64_t value = 0;
};

class Retry : public testing::Test {
  protected:
    std::unique_ptr<Bucket> retrying(RetryPolicy policy = {}) {
        return make_retrying_bucket(
            *faulty, policy, random,
            [this](int64_t ms) -> Result<void> {
                pauses.push_back(ms);
                if (cancel_at != 0 && pauses.size() == cancel_at) return fail(ErrorKind::cancelled, "asked to stop");
                return {};
            },
            [this](const Error& error, int attempt, int64_t delay_ms) {
                EXPECT_EQ(error, kTransient);
                reported.emplace_back(attempt, delay_ms);
            });
    }

    std::unique_ptr<Bucket> memory = make_memory_bucket();
    std::unique_ptr<FaultBucket> faulty = make_fault_bucket(*memory, 1, {});
    FixedRandom random;
    std::vector<int64_t> pauses;
    std::vector<std::pair<int, int64_t>> reported;
    size_t cancel_at = 0;
};

TEST_F(Retry, SucceedsAtTheLastAttempt) {
    faulty->fail_next(kTransient, 4);
    EXPECT_TRUE(retrying()->put("a", as_bytes("x")));
    EXPECT_EQ(faulty->calls(), 5U);
    EXPECT_EQ(pauses.size(), 4U);
    EXPECT_EQ(reported.size(), 4U);
}

TEST_F(Retry, GivesUpAfterTheLastAttempt) {
    faulty->fail_next(kTransient, 100);
    const auto result = retrying()->get("a", 1);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, ErrorKind::retry);
    EXPECT_EQ(result.error().message, "tried 5 times: busy");
    EXPECT_EQ(faulty->calls(), 5U);
    EXPECT_EQ(pauses.size(), 4U) << "no pause after the last";
}

TEST_F(Retry, EveryKindOfCallIsRepeated) {
    const auto bucket = retrying();
    ASSERT_TRUE(memory->put("a", as_bytes("x")));
    const auto survives = [&](auto call) {
        faulty->fail_next(kTransient, 2);
        return call().has_value();
    };
    EXPECT_TRUE(survives([&] { return bucket->get("a", 1); }));
    EXPECT_TRUE(survives([&] { return bucket->get_range("a", 0, 1); }));
    EXPECT_TRUE(survives([&] { return bucket->stat("a"); }));
    EXPECT_TRUE(survives([&] { return bucket->list("", "", 1); }));
    EXPECT_TRUE(survives([&] { return bucket->put("a", as_bytes("y")); }));
    EXPECT_TRUE(survives([&] { return bucket->put_if_absent("b", as_bytes("y")); }));
    EXPECT_TRUE(survives([&] { return bucket->remove("a"); }));
}

TEST_F(Retry, OnlyTransientErrorsAreRepeated) {
    for (const ErrorKind kind : {ErrorKind::not_found, ErrorKind::conflict, ErrorKind::denied, ErrorKind::unsupported,
                                 ErrorKind::corrupt, ErrorKind::invalid_input, ErrorKind::cancelled}) {
        const uint64_t before = faulty->calls();
        faulty->fail_next({kind, "no"}, 1);
        EXPECT_EQ(retrying()->stat("a").error().kind, kind);
        EXPECT_EQ(faulty->calls(), before + 1);
    }
    EXPECT_TRUE(pauses.empty());
}

TEST_F(Retry, PausesAreBelowABoundThatDoublesUpToTheGreatest) {
    const RetryPolicy policy{.attempts = 9, .first_delay_ms = 200, .max_delay_ms = 10'000};
    const std::vector<int64_t> bounds = {200, 400, 800, 1600, 3200, 6400, 10'000, 10'000};
    for (const uint64_t drawn : {0ULL, 12'345'678'901ULL, 0x8000000000000000ULL, 0xffffffffffffffffULL}) {
        random.value = drawn;
        pauses.clear();
        reported.clear();
        faulty->fail_next(kTransient, 8);
        EXPECT_FALSE(retrying(policy)->stat("a"));
        ASSERT_EQ(pauses.size(), bounds.size());
        for (size_t i = 0; i < bounds.size(); i++) {
            EXPECT_EQ(pauses[i], static_cast<int64_t>(drawn % static_cast<uint64_t>(bounds[i] + 1)));
            EXPECT_EQ(reported[i], std::pair(static_cast<int>(i) + 1, pauses[i]));
        }
    }
}

TEST_F(Retry, ReachesTheBoundItself) {
    random.value = 200;
    faulty->fail_next(kTransient, 1);
    EXPECT_FALSE(retrying()->stat("a"));
    EXPECT_EQ(pauses, std::vector<int64_t>{200});
}

TEST_F(Retry, AbsurdPoliciesEnd) {
    faulty->fail_next(kTransient, 1000);
    EXPECT_FALSE(retrying({.attempts = 0, .first_delay_ms = 1, .max_delay_ms = 1})->stat("a"));
    EXPECT_FALSE(retrying({.attempts = 90, .first_delay_ms = INT64_MAX, .max_delay_ms = INT64_MAX})->stat("a"));
    EXPECT_FALSE(retrying({.attempts = 90, .first_delay_ms = 1, .max_delay_ms = INT64_MAX})->stat("a"));
    EXPECT_FALSE(retrying({.attempts = 3, .first_delay_ms = 0, .max_delay_ms = -5})->stat("a"));
    EXPECT_EQ(faulty->calls(), 1U + 90 + 90 + 3);
}

TEST_F(Retry, GivesUpWhenThePausesWouldTakeTooLong) {
    random.value = 1000;
    faulty->fail_next(kTransient, 100);
    const RetryPolicy policy{.attempts = 50, .first_delay_ms = 1000, .max_delay_ms = 1000, .give_up_after_ms = 2500};
    EXPECT_EQ(retrying(policy)->stat("a").error().message, "tried 3 times: busy");
    EXPECT_EQ(pauses, (std::vector<int64_t>{1000, 1000})) << "a third would end after the limit";
}

TEST_F(Retry, BackoffWaitsAtLeastAsLongAsTheServerAsks) {
    random.value = 150;
    Backoff backoff({.attempts = 10, .first_delay_ms = 200, .max_delay_ms = 200}, random);
    EXPECT_EQ(backoff.failed(0, 5000), 5000);
    EXPECT_EQ(backoff.failed(0, 100), 150);
    EXPECT_EQ(backoff.failed(0), 150);
    EXPECT_EQ(backoff.attempts(), 3);
}

TEST_F(Retry, BackoffCountsTheTimeSinceTheFirstFailure) {
    random.value = 0;
    const RetryPolicy policy{.attempts = 10, .first_delay_ms = 0, .max_delay_ms = 0, .give_up_after_ms = 1000};
    Backoff backoff(policy, random);
    EXPECT_EQ(backoff.failed(50'000), 0);
    EXPECT_EQ(backoff.failed(50'999), 0);
    EXPECT_EQ(backoff.failed(51'000), std::nullopt);
    Backoff asked(policy, random);
    EXPECT_EQ(asked.failed(50'000, 1000), 1000);
    EXPECT_EQ(asked.failed(50'000, 1001), std::nullopt) << "a pause that is too long is not begun";
}

TEST_F(Retry, CancelledSleepEndsIt) {
    cancel_at = 2;
    faulty->fail_next(kTransient, 100);
    EXPECT_EQ(retrying()->put("a", as_bytes("x")).error().kind, ErrorKind::cancelled);
    EXPECT_EQ(faulty->calls(), 2U);
}

// Applies a write and loses the answer, once.
class LosesOneAnswer : public Bucket {
  public:
    explicit LosesOneAnswer(Bucket& inner) : inner_(inner) {}
    Result<PutOutcome> put_if_absent(std::string_view path, Body& body) override {
        const bool lost = !std::exchange(lost_, true);
        if (lost && apply) TRY(inner_.put_if_absent(path, body));
        if (lost && theirs) TRY(inner_.put_if_absent(path, *theirs));
        if (lost) return fail(ErrorKind::retry, "answer lost");
        return inner_.put_if_absent(path, body);
    }
    Result<Bytes> get(std::string_view path, uint64_t max) override { return inner_.get(path, max); }
    Result<Bytes> get_range(std::string_view path, uint64_t offset, uint64_t length) override {
        if (unreadable) return fail(ErrorKind::denied, "no reading");
        return inner_.get_range(path, offset, length);
    }
    Result<void> put(std::string_view path, Body& body) override { return inner_.put(path, body); }
    Result<ListPage> list(std::string_view prefix, std::string_view after, size_t limit) override {
        return inner_.list(prefix, after, limit);
    }
    Result<void> remove(std::string_view path) override { return inner_.remove(path); }
    Result<ObjectInfo> stat(std::string_view path) override { return inner_.stat(path); }
    std::string describe() const override { return inner_.describe(); }
    bool apply = true;
    bool unreadable = false;
    std::optional<MemoryBody> theirs;

  private:
    Bucket& inner_;
    bool lost_ = false;
};

class LostAnswer : public testing::Test {
  protected:
    Result<PutOutcome> put(ByteView bytes) {
        return make_retrying_bucket(loses, {}, random, [](int64_t) { return Result<void>(); })
            ->put_if_absent("a", bytes);
    }
    std::unique_ptr<Bucket> memory = make_memory_bucket();
    LosesOneAnswer loses{*memory};
    FixedRandom random;
};

TEST_F(LostAnswer, OwnBytesFoundAfterwardsAreCreated) {
    const Bytes bytes((3 << 20) + 5, std::byte{9});
    EXPECT_EQ(*put(bytes), PutOutcome::created);
    EXPECT_EQ(*memory->get("a", bytes.size()), bytes);
}

class OthersBytes : public LostAnswer, public testing::WithParamInterface<std::string_view> {};

TEST_P(OthersBytes, FoundAfterwardsExist) {
    loses.apply = false;
    loses.theirs.emplace(as_bytes(GetParam()));
    EXPECT_EQ(*put(as_bytes("mine!")), PutOutcome::exists);
    EXPECT_EQ(as_text(*memory->get("a", 100)), GetParam());
}

INSTANTIATE_TEST_SUITE_P(LostAnswer, OthersBytes, testing::Values("other", "mine! and more", "mine", ""));

TEST_F(LostAnswer, NothingAppliedIsCreatedByTheNextAttempt) {
    loses.apply = false;
    EXPECT_EQ(*put(as_bytes("mine")), PutOutcome::created);
}

TEST_F(LostAnswer, FirstAnswerExistsIsBelievedWithoutReading) {
    ASSERT_TRUE(memory->put("a", as_bytes("mine")));
    auto counting = make_counting_bucket(*memory);
    const auto retrying = make_retrying_bucket(*counting, {}, random, [](int64_t) { return Result<void>(); });
    EXPECT_EQ(*retrying->put_if_absent("a", as_bytes("mine")), PutOutcome::exists);
    EXPECT_EQ(counting->counts().total(), 1U);
}

TEST_F(LostAnswer, UnreadableObjectIsAnErrorAndNoGuess) {
    loses.unreadable = true;
    const auto outcome = put(as_bytes("mine"));
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().kind, ErrorKind::denied);
}

}  // namespace
}  // namespace bae::s3
