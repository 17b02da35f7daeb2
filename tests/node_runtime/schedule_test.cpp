// When work runs next, without a clock: every time is an argument.
#include "node/runtime/schedule.h"

#include <gtest/gtest.h>

namespace bae::node {

using End = Schedule::End;

static constexpr Rhythm kRhythm{.poll_ms = 30'000};
static double never() { return 0; }

static Schedule polling() {
    Schedule schedule(kRhythm, never);
    schedule.began();
    schedule.ended(0, End::done);
    return schedule;
}

TEST(Schedule, NothingRunsBeforeItIsAskedFor) { EXPECT_EQ(Schedule(kRhythm, never).next(), std::nullopt); }

TEST(Schedule, PollsAfterARunThatWentWell) { EXPECT_EQ(polling().next(), 30'000); }

TEST(Schedule, WithoutAPollItRunsOnlyWhenWanted) {
    Schedule schedule(Rhythm{}, never);
    schedule.began();
    schedule.ended(0, End::done);
    EXPECT_EQ(schedule.next(), std::nullopt);
    schedule.wanted(10);
    EXPECT_EQ(schedule.next(), 210);
}

TEST(Schedule, CommitsThatFollowEachOtherAreOneRun) {
    Schedule schedule = polling();
    schedule.wanted(1'000);
    EXPECT_EQ(schedule.next(), 1'200);
    schedule.wanted(1'150);
    EXPECT_EQ(schedule.next(), 1'350);
}

TEST(Schedule, CommitsWithoutEndDoNotPutItOffForEver) {
    Schedule schedule = polling();
    for (int64_t now = 1'000; now <= 9'000; now += 100) schedule.wanted(now);
    EXPECT_EQ(schedule.next(), 3'000);
}

TEST(Schedule, APollThatIsDueEarlierWins) {
    Schedule schedule = polling();
    schedule.wanted(29'900);
    EXPECT_EQ(schedule.next(), 30'000);
}

TEST(Schedule, WhatIsWantedDuringARunIsDoneByTheNext) {
    Schedule schedule = polling();
    schedule.began();
    EXPECT_EQ(schedule.next(), std::nullopt);
    schedule.wanted(50'000);
    EXPECT_EQ(schedule.next(), std::nullopt);
    schedule.ended(60'000, End::done);
    EXPECT_EQ(schedule.next(), 50'200);
}

TEST(Schedule, WhatWasWantedBeforeARunIsDoneByIt) {
    Schedule schedule = polling();
    schedule.wanted(1'000);
    schedule.began();
    schedule.ended(2'000, End::done);
    EXPECT_EQ(schedule.next(), 32'000);
}

TEST(Schedule, TroubleIsTriedAgainLessAndLessOften) {
    Schedule schedule = polling();
    for (const int64_t pause : {5'000, 10'000, 20'000, 40'000, 80'000, 160'000, 300'000, 300'000}) {
        schedule.began();
        schedule.ended(0, End::trouble);
        EXPECT_EQ(schedule.next(), pause);
    }
    EXPECT_EQ(schedule.in_vain(), 8);
    schedule.began();
    schedule.ended(0, End::done);
    EXPECT_EQ(schedule.in_vain(), 0);
    EXPECT_EQ(schedule.next(), 30'000);
}

TEST(Schedule, ManyFailuresDoNotOverflow) {
    Schedule schedule = polling();
    for (int i = 0; i < 1'000; ++i) {
        schedule.began();
        schedule.ended(0, End::trouble);
    }
    EXPECT_EQ(schedule.next(), 300'000);
}

TEST(Schedule, CommitsDoNotHurryWhatIsInTrouble) {
    Schedule schedule = polling();
    schedule.began();
    schedule.ended(0, End::trouble);
    schedule.wanted(10);
    EXPECT_EQ(schedule.next(), 5'000);
}

TEST(Schedule, CommitsDoHurryWhatOnlyWaits) {
    Schedule schedule = polling();
    schedule.began();
    schedule.ended(0, End::waits);
    EXPECT_EQ(schedule.next(), 5'000);
    schedule.wanted(10);
    EXPECT_EQ(schedule.next(), 210);
}

TEST(Schedule, AtOnceMeansNowAndForgetsTrouble) {
    Schedule schedule = polling();
    for (int i = 0; i < 4; ++i) {
        schedule.began();
        schedule.ended(0, End::trouble);
    }
    schedule.at_once(7);
    EXPECT_EQ(schedule.next(), 7);
    EXPECT_FALSE(schedule.in_trouble());
    schedule.began();
    schedule.ended(100, End::trouble);
    EXPECT_EQ(schedule.next(), 5'100);
}

TEST(Schedule, AtOnceDuringARunMeansRightAfterIt) {
    Schedule schedule = polling();
    schedule.began();
    schedule.at_once(500);
    schedule.ended(900, End::trouble);
    EXPECT_FALSE(schedule.in_trouble());
    EXPECT_EQ(schedule.next(), 500);
}

TEST(Schedule, PausesAreAtMostAQuarterShorter) {
    double chance = 0;
    Schedule schedule(kRhythm, [&] { return chance; });
    for (chance = 0; chance < 1; chance += 0.01) {
        schedule.began();
        schedule.ended(0, End::done);
        EXPECT_LE(schedule.next(), 30'000);
        EXPECT_GT(schedule.next(), 22'500);
    }
}

}  // namespace bae::node
