#include <gtest/gtest.h>

#include <bit>
#include <set>

#include "s3/fault_bucket.h"
#include "s3/memory_bucket.h"

namespace bae::s3 {
namespace {

class Fault : public testing::Test {
  protected:
    FaultBucket& with(const FaultRates& rates) {
        faulty->set_rates(rates);
        return *faulty;
    }
    std::unique_ptr<Bucket> memory = make_memory_bucket();
    std::unique_ptr<FaultBucket> faulty = make_fault_bucket(*memory, 1, {});
};

constexpr FaultRates kEverything{.refuse = 0.1,
                                 .denied = 0.1,
                                 .lose_answer = 0.2,
                                 .cut = 0.1,
                                 .old_body = 0.2,
                                 .truncated_body = 0.2,
                                 .flipped_body = 0.2,
                                 .missing = 0.1,
                                 .old_list = 0.2,
                                 .truncated_list = 0.2,
                                 .max_delay_ms = 50};

// What a fixed sequence of calls answers, as text.
std::string transcript(uint64_t seed, const FaultRates& rates) {
    const auto memory = make_memory_bucket();
    std::string out;
    const auto faulty = make_fault_bucket(*memory, seed, rates, [&](int64_t ms) { out += std::to_string(ms) + "ms "; });
    const auto told = [&](const auto& result) { out += result ? "ok " : result.error().message + ' '; };
    for (int i = 0; i < 60; i++) {
        told(faulty->put("a", as_bytes("version " + std::to_string(i))));
        told(faulty->put_if_absent("b/" + std::to_string(i), as_bytes("x")));
        const auto bytes = faulty->get("a", 100);
        told(bytes);
        if (bytes) out += hex_encode(*bytes);
        const auto page = faulty->list("b/", "", 1000);
        told(page);
        if (page) out += std::to_string(page->objects.size());
        told(faulty->get_range("a", 2, 4));
        told(faulty->stat("a"));
        told(faulty->remove("b/" + std::to_string(i / 2)));
    }
    return out + std::to_string(faulty->faults()) + " of " + std::to_string(faulty->calls());
}

TEST_F(Fault, SeedDecidesEverything) {
    std::set<std::string> seen;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        const std::string once = transcript(seed, kEverything);
        EXPECT_EQ(once, transcript(seed, kEverything));
        seen.insert(once);
    }
    EXPECT_EQ(seen.size(), 5U);
}

TEST_F(Fault, WithoutRatesItIsTheStorage) {
    const std::string calm = transcript(1, {});
    EXPECT_EQ(calm, transcript(2, {}));
    EXPECT_NE(calm.find("0 of 420"), std::string::npos);
}

TEST_F(Fault, EveryRateStrikesAboutAsOftenAsItSays) {
    ASSERT_TRUE(memory->put("a", as_bytes("x")));
    FaultBucket& bucket = with({.refuse = 0.25});
    int refused = 0;
    for (int i = 0; i < 4000; i++) refused += bucket.stat("a") ? 0 : 1;
    EXPECT_GT(refused, 880);
    EXPECT_LT(refused, 1120);
    EXPECT_EQ(bucket.faults(), static_cast<uint64_t>(refused));
    EXPECT_EQ(bucket.calls(), 4000U);
}

TEST_F(Fault, RefusedAndDeniedWritesAreNotApplied) {
    EXPECT_EQ(with({.refuse = 1}).put("a", as_bytes("x")).error().kind, ErrorKind::retry);
    EXPECT_EQ(with({.denied = 1}).put_if_absent("a", as_bytes("x")).error().kind, ErrorKind::denied);
    EXPECT_TRUE(memory->list_all("")->empty());
    ASSERT_TRUE(memory->put("a", as_bytes("x")));
    EXPECT_EQ(with({.refuse = 1}).remove("a").error().kind, ErrorKind::retry);
    EXPECT_EQ(with({.refuse = 1}).list("", "", 1).error().kind, ErrorKind::retry);
    EXPECT_TRUE(memory->stat("a"));
}

TEST_F(Fault, LostAnswersAreAppliedWrites) {
    FaultBucket& bucket = with({.lose_answer = 1});
    EXPECT_EQ(bucket.put_if_absent("a", as_bytes("x")).error().kind, ErrorKind::retry);
    EXPECT_EQ(as_text(*memory->get("a", 1)), "x");
    EXPECT_EQ(bucket.put("a", as_bytes("y")).error().kind, ErrorKind::retry);
    EXPECT_EQ(as_text(*bucket.get("a", 1)), "y");
    EXPECT_EQ(bucket.remove("a").error().kind, ErrorKind::retry);
    EXPECT_TRUE(memory->list_all("")->empty());
}

TEST_F(Fault, CutWritesStoreNothing) {
    ASSERT_TRUE(memory->put("a", as_bytes("old")));
    FaultBucket& bucket = with({.cut = 1});
    EXPECT_EQ(bucket.put("a", as_bytes("new bytes")).error().kind, ErrorKind::retry);
    EXPECT_EQ(bucket.put_if_absent("b", as_bytes("new bytes")).error().kind, ErrorKind::retry);
    EXPECT_EQ(bucket.get("a", 10).error().kind, ErrorKind::retry);
    EXPECT_EQ(as_text(*memory->get("a", 10)), "old");
    EXPECT_EQ(memory->list_all("")->size(), 1U);
}

TEST_F(Fault, OldBodiesAreOnesThatWereOverwritten) {
    FaultBucket& bucket = with({.old_body = 1});
    ASSERT_TRUE(bucket.put("a", as_bytes("one")));
    EXPECT_EQ(as_text(*bucket.get("a", 10)), "one") << "there is no earlier one yet";
    ASSERT_TRUE(bucket.put("a", as_bytes("two")));
    ASSERT_TRUE(bucket.put("a", as_bytes("three")));
    std::set<std::string> seen;
    for (int i = 0; i < 30; i++) seen.emplace(as_text(*bucket.get("a", 10)));
    EXPECT_EQ(seen, (std::set<std::string>{"one", "two"}));
    EXPECT_EQ(as_text(*bucket.get_range("a", 1, 1)).size(), 1U);
    EXPECT_EQ(bucket.faults(), 31U);
}

TEST_F(Fault, TruncatedBodiesArePrefixes) {
    ASSERT_TRUE(memory->put("a", as_bytes("0123456789")));
    for (int i = 0; i < 30; i++) {
        const Bytes bytes = *with({.truncated_body = 1}).get("a", 10);
        EXPECT_LT(bytes.size(), 10U);
        EXPECT_TRUE(std::string_view("0123456789").starts_with(as_text(bytes)));
    }
}

TEST_F(Fault, FlippedBodiesDifferInOneBit) {
    const Bytes zeros(10);
    ASSERT_TRUE(memory->put("a", zeros));
    const auto ones = [](const Bytes& bytes) {
        int count = 0;
        for (const std::byte b : bytes) count += std::popcount(std::to_integer<unsigned>(b));
        return count;
    };
    FaultBucket& bucket = with({.flipped_body = 1});
    for (int i = 0; i < 30; i++) EXPECT_EQ(ones(*bucket.get("a", 10)), 1);
    EXPECT_EQ(ones(*bucket.get_range("a", 3, 4)), 1);
    EXPECT_EQ(*memory->get("a", 10), zeros);
}

TEST_F(Fault, MissingObjectsAreStillThere) {
    ASSERT_TRUE(memory->put("a", as_bytes("x")));
    FaultBucket& bucket = with({.missing = 1});
    EXPECT_EQ(bucket.get("a", 1).error().kind, ErrorKind::not_found);
    EXPECT_EQ(bucket.get_range("a", 0, 1).error().kind, ErrorKind::not_found);
    EXPECT_EQ(bucket.stat("a").error().kind, ErrorKind::not_found);
    EXPECT_TRUE(memory->stat("a"));
}

TEST_F(Fault, OldListsWereTrueOnce) {
    FaultBucket& bucket = with({.old_list = 1});
    ASSERT_TRUE(bucket.put("a", as_bytes("x")));
    EXPECT_EQ(bucket.list("", "", 10)->objects.size(), 1U) << "there is no earlier one yet";
    ASSERT_TRUE(bucket.put("b", as_bytes("x")));
    EXPECT_EQ(bucket.list("", "", 10)->objects.size(), 1U);
    bucket.set_rates({});
    EXPECT_EQ(bucket.list("", "", 10)->objects.size(), 2U);
}

TEST_F(Fault, TruncatedListsDoNotSaySo) {
    for (const std::string_view path : {"a", "b", "c"}) ASSERT_TRUE(memory->put(path, as_bytes("x")));
    const auto page = with({.truncated_list = 1}).list("", "", 10);
    EXPECT_LT(page->objects.size(), 3U);
    EXPECT_FALSE(page->truncated);
}

TEST_F(Fault, OrderedFailuresComeFirstAndEnd) {
    faulty->fail_next({ErrorKind::denied, "key withdrawn"}, 2);
    EXPECT_EQ(faulty->put("a", as_bytes("x")).error().message, "key withdrawn");
    EXPECT_EQ(faulty->list("", "", 1).error().kind, ErrorKind::denied);
    EXPECT_TRUE(faulty->put("a", as_bytes("x")));
    EXPECT_EQ(faulty->faults(), 2U);
}

TEST_F(Fault, DelaysAreWithinTheirBound) {
    std::set<int64_t> seen;
    const auto slow = make_fault_bucket(*memory, 3, {.max_delay_ms = 3}, [&](int64_t ms) { seen.insert(ms); });
    for (int i = 0; i < 200; i++) EXPECT_FALSE(slow->stat("nothing"));
    EXPECT_EQ(seen, (std::set<int64_t>{1, 2, 3}));
}

}  // namespace
}  // namespace bae::s3
