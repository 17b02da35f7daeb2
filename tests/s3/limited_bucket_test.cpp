#include "s3/limited_bucket.h"

#include <gtest/gtest.h>

#include <utility>

#include "s3/memory_bucket.h"

namespace bae::s3 {
namespace {

constexpr uint64_t kRate = 1'000'000;  // bytes per second
constexpr size_t kSize = 3'000'001;

class LimitedBucketTest : public ::testing::Test {
  protected:
    std::unique_ptr<Bucket> limited(RateLimit* up, RateLimit* down) {
        return make_limited_bucket(
            *storage_, up, down,
            [this](int64_t ms) -> Result<void> {
                if (patience_ms_ < ms) return fail(ErrorKind::cancelled, "no patience");
                patience_ms_ -= ms;
                now_ms_ += ms;
                return {};
            },
            [this] { return now_ms_; });
    }
    // A quarter of a second's worth is saved up.
    void expect_time_of(uint64_t bytes) {
        const auto least = static_cast<int64_t>((bytes - kRate / 4) * 1000 / kRate);
        EXPECT_GE(now_ms_, least);
        EXPECT_LE(now_ms_, least + least / 50 + 1);
    }

    std::unique_ptr<Bucket> storage_ = make_memory_bucket();
    RateLimit limit_{kRate};
    int64_t now_ms_ = 0, patience_ms_ = INT64_MAX;
    Bytes bytes_ = Bytes(kSize, std::byte{7});
};

TEST_F(LimitedBucketTest, LetsBodiesPassAtTheirRate) {
    const auto bucket = limited(&limit_, nullptr);
    ASSERT_EQ(bucket->put_if_absent("a", bytes_).value(), PutOutcome::created);
    expect_time_of(kSize);
    ASSERT_TRUE(bucket->put("a", bytes_));
    expect_time_of(2 * kSize);
    EXPECT_EQ(storage_->get("a", kSize).value(), bytes_);
}

TEST_F(LimitedBucketTest, LetsWhatIsReadPassAtItsRate) {
    ASSERT_TRUE(storage_->put("a", bytes_));
    const auto bucket = limited(nullptr, &limit_);
    EXPECT_EQ(bucket->get("a", kSize).value(), bytes_);
    expect_time_of(kSize);
    EXPECT_EQ(bucket->get_range("a", 1, kSize).value().size(), kSize - 1);
    expect_time_of(2 * kSize - 1);
}

TEST_F(LimitedBucketTest, ReadsRangesAsTheyAre) {
    for (size_t i = 0; i < kSize; i++) bytes_[i] = static_cast<std::byte>(i * 2654435761U >> 24);
    ASSERT_TRUE(storage_->put("a", bytes_));
    const auto bucket = limited(nullptr, &limit_);
    for (const uint64_t offset : {uint64_t{0}, uint64_t{1}, uint64_t{262'144}, uint64_t{kSize}})
        for (const uint64_t length :
             {uint64_t{0}, uint64_t{1}, uint64_t{262'144}, uint64_t{524'288}, uint64_t{kSize}, UINT64_MAX})
            EXPECT_EQ(bucket->get_range("a", offset, length).value(), storage_->get_range("a", offset, length).value())
                << offset << " " << length;
    EXPECT_EQ(bucket->get_range("a", kSize + 1, 1).error().kind, ErrorKind::invalid_input);
    EXPECT_EQ(bucket->get_range("a", kSize + 1, 0).error().kind, ErrorKind::invalid_input);
    EXPECT_EQ(bucket->get_range("b", 0, 0).error().kind, ErrorKind::not_found);
}

TEST_F(LimitedBucketTest, TwoVersionsAreNeverPutTogether) {
    ASSERT_TRUE(storage_->put("a", bytes_));
    const Bytes other(kSize, std::byte{8});
    bool replaces = true;
    const auto bucket = make_limited_bucket(
        *storage_, nullptr, &limit_,
        [&](int64_t ms) -> Result<void> {
            now_ms_ += ms;
            if (std::exchange(replaces, false)) return storage_->put("a", other);
            return {};
        },
        [this] { return now_ms_; });
    EXPECT_EQ(bucket->get_range("a", 0, kSize).error().kind, ErrorKind::retry);
    EXPECT_EQ(bucket->get_range("a", 0, kSize).value(), other);
}

TEST_F(LimitedBucketTest, TheDirectionsDoNotWaitForEachOther) {
    RateLimit slow(1);
    const auto bucket = limited(&limit_, &slow);
    ASSERT_TRUE(bucket->put("a", bytes_));
    expect_time_of(kSize);
    const auto reading = limited(&slow, nullptr);
    now_ms_ = 0;
    EXPECT_EQ(reading->get("a", kSize).value().size(), kSize);
    EXPECT_EQ(now_ms_, 0);
}

TEST_F(LimitedBucketTest, NoLimitAsksForNoTime) {
    RateLimit none(0);
    const auto bucket = limited(&none, &none);
    patience_ms_ = -1;
    ASSERT_TRUE(bucket->put("a", bytes_));
    EXPECT_EQ(bucket->get_range("a", 0, kSize).value(), bytes_);
}

TEST_F(LimitedBucketTest, SleepEndsTheCall) {
    const auto bucket = limited(&limit_, &limit_);
    patience_ms_ = 1000;
    EXPECT_EQ(bucket->put_if_absent("a", bytes_).error().kind, ErrorKind::cancelled);
    EXPECT_EQ(storage_->stat("a").error().kind, ErrorKind::not_found);
}

}  // namespace
}  // namespace bae::s3
