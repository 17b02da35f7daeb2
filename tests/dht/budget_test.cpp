#include "dht/budget.h"

#include <gtest/gtest.h>

namespace bae::dht {
namespace {

TEST(TokenBucket, LetsABurstThroughAndThenTheRate) {
    TokenBucket bucket({10, 100});
    bucket.spend(100, 5'000);
    EXPECT_FALSE(bucket.in_debt(5'000));
    bucket.spend(5, 5'000);
    EXPECT_TRUE(bucket.in_debt(5'000));
    EXPECT_EQ(bucket.debt_free_at_ms(5'000), 5'500);
    EXPECT_TRUE(bucket.in_debt(5'499));
    EXPECT_FALSE(bucket.in_debt(5'500));
}

TEST(TokenBucket, IsFullAfterAPauseAndNoFuller) {
    TokenBucket bucket({10, 100});
    bucket.spend(500, 0);
    EXPECT_FALSE(bucket.in_debt(INT64_MAX / 2));
    bucket.spend(100, INT64_MAX / 2);
    EXPECT_FALSE(bucket.in_debt(INT64_MAX / 2));
    bucket.spend(1, INT64_MAX / 2);
    EXPECT_TRUE(bucket.in_debt(INT64_MAX / 2));
}

TEST(TokenBucket, CountsFractionsOfATokenOverManySmallSteps) {
    TokenBucket bucket({1, 1});
    bucket.spend(2, 0);
    for (int64_t now = 1; now < 1000; now++) EXPECT_TRUE(bucket.in_debt(now));
    EXPECT_FALSE(bucket.in_debt(1000));
}

TEST(TokenBucket, GainsNothingFromAClockThatGoesBack) {
    TokenBucket bucket({10, 10});
    bucket.spend(30, 10'000);
    for (int i = 0; i < 10; i++) {
        EXPECT_TRUE(bucket.in_debt(9'000));
        EXPECT_TRUE(bucket.in_debt(10'000));
    }
    EXPECT_FALSE(bucket.in_debt(12'000));
    EXPECT_FALSE(bucket.in_debt(5'000)) << "nor does it lose";
}

TEST(Budget, IsUsedUpByBytesOrFramesOrChecks) {
    const BudgetRates rates{{100, 1000}, {10, 50}, {1, 5}};
    Budget bytes(rates), frames(rates), checks(rates);
    bytes.spend_frame(1001, 0);
    EXPECT_TRUE(bytes.in_debt(0));
    EXPECT_EQ(bytes.debt_free_at_ms(0), 10);
    for (int i = 0; i < 51; i++) frames.spend_frame(1, 0);
    EXPECT_TRUE(frames.in_debt(0));
    checks.spend_checks(6, 0);
    EXPECT_TRUE(checks.in_debt(0));
    EXPECT_EQ(checks.debt_free_at_ms(0), 1000);
}

}  // namespace
}  // namespace bae::dht
