#include "sync/stamp.h"

#include <gtest/gtest.h>

namespace bae::sync {

namespace {

constexpr int64_t kYear2100Ms = 4'102'444'800'000;

crypto::DeviceId device(unsigned last) {
    crypto::DeviceId id;
    id.bytes[7] = static_cast<std::byte>(last);
    return id;
}

}  // namespace

TEST(Stamp, TextIsThirteenFourAndSixteenDigits) {
    const Stamp stamp{1'700'000'000'000, 42, device(0xab)};
    EXPECT_EQ(stamp.text(), "1700000000000-0042-00000000000000ab");
    EXPECT_EQ(stamp.text().size(), kStampLength);
    EXPECT_EQ(*Stamp::parse(stamp.text()), stamp);
}

TEST(Stamp, SortsAsItsTextDoes) {
    const std::vector<Stamp> ascending = {
        {0, 0, device(0)},
        {9, 9999, device(1)},
        {10, 0, device(9)},
        {10, 0, device(10)},
        {10, 1, device(0)},
        {999'999'999'999, 0, device(0)},
        {1'000'000'000'000, 0, device(0)},
        {kMaxStampMs, 9999, device(255)},
    };
    for (size_t i = 1; i < ascending.size(); i++) {
        EXPECT_LT(ascending[i - 1], ascending[i]);
        EXPECT_LT(ascending[i - 1].text(), ascending[i].text());
    }
}

TEST(Stamp, ParseRefusesWhatIsNotExactlyAStamp) {
    for (const char* text : {"", "1700000000000-0042-00000000000000a", "1700000000000-0042-00000000000000abc",
                             "1700000000000-0042-00000000000000AB", "170000000000x-0042-00000000000000ab",
                             "1700000000000-00x2-00000000000000ab", "1700000000000_0042-00000000000000ab",
                             "1700000000000-0042_00000000000000ab", "-700000000000-0042-00000000000000ab",
                             "+700000000000-0042-00000000000000ab", " 700000000000-0042-00000000000000ab",
                             "1700000000000-0042-0000000000000 ab"}) {
        const auto stamp = Stamp::parse(text);
        ASSERT_FALSE(stamp) << text;
        EXPECT_EQ(stamp.error().kind, ErrorKind::corrupt) << text;
    }
}

TEST(Stamp, ParseRefusesTheYearAfter2255) {
    EXPECT_TRUE(Stamp::parse("9007199254740-9999-00000000000000ab"));
    EXPECT_FALSE(Stamp::parse("9007199254741-0000-00000000000000ab"));
    EXPECT_FALSE(Stamp::parse("9999999999999-0000-00000000000000ab"));
}

TEST(NextStamp, TakesTheWallClockWhenThatIsLater) {
    EXPECT_EQ(*next_stamp({100, 7, device(1)}, 101, device(2)), (Stamp{101, 0, device(2)}));
    EXPECT_EQ(*next_stamp({}, 0, device(2)), (Stamp{0, 1, device(2)}));
}

TEST(NextStamp, CountsOnWhenTheWallClockStandsStillOrGoesBack) {
    EXPECT_EQ(*next_stamp({100, 7, device(1)}, 100, device(2)), (Stamp{100, 8, device(2)}));
    EXPECT_EQ(*next_stamp({100, 7, device(1)}, 3, device(2)), (Stamp{100, 8, device(2)}));
}

TEST(NextStamp, CarriesIntoTheMillisecondsAfter9999) {
    EXPECT_EQ(*next_stamp({100, 9999, device(1)}, 100, device(2)), (Stamp{101, 0, device(2)}));
    EXPECT_EQ(*next_stamp({100, 9999, device(1)}, 101, device(2)), (Stamp{101, 0, device(2)}));
    EXPECT_EQ(*next_stamp({100, 9998, device(1)}, 100, device(2)), (Stamp{100, 9999, device(2)}));
}

TEST(NextStamp, NeverGoesBackWhateverTheClockDoes) {
    Stamp last{50, 9990, device(9)};
    const int64_t walls[] = {50, 0, 49, 51, 51, 7, 60, 1, 1, 60};
    for (int i = 0; i < 1000; i++) {
        const auto next = next_stamp(last, walls[i % 10], device(1));
        ASSERT_TRUE(next);
        ASSERT_GT(next->text(), last.text());
        last = *next;
    }
}

TEST(NextStamp, RefusesAClockOutsideOfItsCenturies) {
    EXPECT_TRUE(next_stamp({}, kYear2100Ms, device(1)));
    for (const int64_t wall : {kYear2100Ms + 1, int64_t{-1}, INT64_MAX, INT64_MIN}) {
        const auto next = next_stamp({}, wall, device(1));
        ASSERT_FALSE(next) << wall;
        EXPECT_EQ(next.error().kind, ErrorKind::invalid_input);
    }
}

TEST(NextStamp, RefusesWhenStampsAreUsedUp) {
    EXPECT_TRUE(next_stamp({kMaxStampMs, 9998, device(1)}, 0, device(1)));
    const auto next = next_stamp({kMaxStampMs, 9999, device(1)}, 0, device(1));
    ASSERT_FALSE(next);
    EXPECT_EQ(next.error().kind, ErrorKind::invalid_input);
}

}  // namespace bae::sync
