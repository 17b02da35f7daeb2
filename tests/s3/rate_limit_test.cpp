#include "s3/rate_limit.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace bae::s3 {
namespace {

constexpr int64_t kStart = 1'700'000'000'000;

uint64_t burst_of(uint64_t rate) { return std::max<uint64_t>(1, rate / 4); }

TEST(RateLimit, ZeroLimitsNothing) {
    RateLimit limit(0);
    EXPECT_EQ(limit.take(UINT64_MAX, kStart), UINT64_MAX);
    EXPECT_EQ(limit.wait_ms(kStart), 0);
}

TEST(RateLimit, WhatIsSavedUpIsAQuarterOfASecond) {
    RateLimit limit(1000);
    EXPECT_EQ(limit.take(10'000, kStart), 250U);
    EXPECT_EQ(limit.take(10'000, kStart), 0U);
    EXPECT_EQ(limit.take(10'000, kStart + 1'000'000), 250U);
}

TEST(RateLimit, ItNeverGivesMoreThanIsWanted) {
    RateLimit limit(1000);
    EXPECT_EQ(limit.take(100, kStart), 100U);
    EXPECT_EQ(limit.take(0, kStart), 0U);
    EXPECT_EQ(limit.take(1, kStart), 1U);
    EXPECT_EQ(limit.take(1000, kStart), 149U);
}

TEST(RateLimit, CrumbsAreNotGivenButSmallWishesAreGranted) {
    RateLimit limit(100'000);
    EXPECT_EQ(limit.take(25'000, kStart), 25'000U);
    EXPECT_EQ(limit.take(5000, kStart + 9), 0U);
    EXPECT_EQ(limit.take(500, kStart + 9), 500U);
    EXPECT_EQ(limit.wait_ms(kStart + 9), 6);
    EXPECT_EQ(limit.take(5000, kStart + 15), 1000U);
}

TEST(RateLimit, AfterTheWaitSomethingPasses) {
    for (const uint64_t rate : {1ULL, 3ULL, 7ULL, 999ULL, 1000ULL, 123'457ULL, 1'000'000'000ULL}) {
        RateLimit limit(rate);
        EXPECT_EQ(limit.wait_ms(kStart), 0) << rate;
        EXPECT_GT(limit.take(UINT64_MAX, kStart), 0U) << rate;
        const int64_t wait_ms = limit.wait_ms(kStart);
        EXPECT_GT(wait_ms, 0) << rate;
        EXPECT_EQ(limit.take(UINT64_MAX, kStart + wait_ms - 1), 0U) << rate;
        EXPECT_GT(limit.take(UINT64_MAX, kStart + wait_ms), 0U) << rate;
    }
}

TEST(RateLimit, AClockThatGoesBackNeitherStopsNorFloods) {
    RateLimit limit(1000);
    EXPECT_EQ(limit.take(1000, kStart), 250U);
    EXPECT_EQ(limit.take(1000, 0), 0U);
    EXPECT_EQ(limit.take(1000, 100), 100U);
    EXPECT_EQ(limit.take(1000, INT64_MIN), 0U);
    EXPECT_EQ(limit.take(1000, INT64_MAX), 250U);
}

TEST(RateLimit, AThreadThatComesLateTurnsNoClockBack) {
    RateLimit limit(1000);
    EXPECT_EQ(limit.take(250, kStart), 250U);
    uint64_t total = 0;
    for (int64_t now = kStart; now < kStart + 1000; now += 10) {
        total += limit.take(1000, now);
        total += limit.take(1000, now - 9);
    }
    EXPECT_LE(total, 1000U);
    EXPECT_GE(total, 980U);
}

TEST(RateLimit, GreatRatesDoNotOverflow) {
    RateLimit limit(999'999'999'999'999);
    EXPECT_EQ(limit.take(UINT64_MAX, kStart), 249'999'999'999'999U);
    EXPECT_EQ(limit.take(UINT64_MAX, kStart + 1000), 249'999'999'999'999U);
    EXPECT_EQ(RateLimit(UINT64_MAX).take(UINT64_MAX, kStart), UINT64_MAX);
    RateLimit power(uint64_t{1} << 40);  // times 2^24 ms it is 2^64
    EXPECT_EQ(power.take(UINT64_MAX, kStart), uint64_t{1} << 38);
    EXPECT_EQ(power.take(UINT64_MAX, kStart + (1 << 24)), uint64_t{1} << 38);
}

// Whoever takes what and when: in any stretch of time no more passes than the rate allows, and what was saved up.
TEST(RateLimit, NoSequenceOfTakesPassesMoreThanRateAndBurst) {
    for (unsigned seed = 1; seed <= 300; seed++) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        std::mt19937_64 random(seed);
        const uint64_t rate = uint64_t{1} << (random() % 36) | random() % 8;
        RateLimit limit(rate);
        const int64_t longest_step = random() % 2 == 0 ? 5 : 2000;
        std::vector<std::pair<int64_t, uint64_t>> passed;  // when, and how many in all before
        uint64_t total = 0;
        int64_t now = kStart;
        for (int i = 0; i < 200; i++) {
            now += static_cast<int64_t>(random() % static_cast<uint64_t>(longest_step));
            const uint64_t wanted = random() % 3 == 0 ? UINT64_MAX : random() % (rate + 1);
            passed.emplace_back(now, total);
            const uint64_t given = limit.take(wanted, now);
            ASSERT_LE(given, wanted);
            total += given;
            for (const auto& [since, before] : passed) {
                const auto time_ms = static_cast<uint64_t>(now - since);
                ASSERT_LE(total - before, rate * time_ms / 1000 + burst_of(rate) + 1);
            }
        }
    }
}

TEST(RateLimit, AGreedyTakerReachesTheRate) {
    for (const uint64_t rate : {3ULL, 101ULL, 4096ULL, 2'500'000ULL, 125'000'000ULL}) {
        RateLimit limit(rate);
        uint64_t total = 0;
        int64_t now = kStart;
        const int64_t end = kStart + 100'000;
        while (now < end) {
            total += limit.take(64 << 20, now);
            now += std::max<int64_t>(1, limit.wait_ms(now));
        }
        EXPECT_GE(static_cast<double>(total), 0.99 * static_cast<double>(rate) * 100) << rate;
        EXPECT_LE(total, rate * 100 + burst_of(rate) + 1) << rate;
    }
}

TEST(RateLimit, ManyTakersOfALimitShareIt) {
    RateLimit limit(1'000'000);
    std::mt19937_64 random(7);
    std::vector<uint64_t> got(4);
    for (int64_t now = kStart; now < kStart + 20'000; now++) got[random() % 4] += limit.take(16'384, now);
    const uint64_t total = got[0] + got[1] + got[2] + got[3];
    EXPECT_GE(total, 19'800'000U);
    EXPECT_LE(total, 20'250'000U);
    for (const uint64_t each : got) EXPECT_GT(each, total / 8);
}

}  // namespace
}  // namespace bae::s3
