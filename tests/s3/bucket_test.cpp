#include "s3/bucket.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "s3/fault_bucket.h"
#include "s3/memory_bucket.h"

namespace bae::s3 {
namespace {

class Scripted : public Bucket {  // lists what it is told to
  public:
    std::vector<ListPage> pages;
    Result<ListPage> list(std::string_view, std::string_view, size_t) override {
        ListPage page = pages.front();
        if (pages.size() > 1) pages.erase(pages.begin());
        return page;
    }
    Result<Bytes> get(std::string_view, uint64_t) override { return fail(ErrorKind::unsupported, "list only"); }
    Result<Bytes> get_range(std::string_view, uint64_t, uint64_t) override { return get({}, 0); }
    Result<PutOutcome> put_if_absent(std::string_view, Body&) override {
        return fail(ErrorKind::unsupported, "list only");
    }
    Result<void> put(std::string_view, Body&) override { return fail(ErrorKind::unsupported, "list only"); }
    Result<void> remove(std::string_view) override { return fail(ErrorKind::unsupported, "list only"); }
    Result<ObjectInfo> stat(std::string_view) override { return fail(ErrorKind::unsupported, "list only"); }
    std::string describe() const override { return "scripted"; }
};

TEST(ListAll, JoinsPages) {
    Scripted bucket;
    bucket.pages = {{{{"a"}, {"b"}}, true}, {{{"c"}}, false}};
    EXPECT_EQ(bucket.list_all("")->size(), 3U);
}

TEST(ListAll, PagesThatDoNotAdvanceAreCorruptAndEnd) {
    Scripted bucket;
    bucket.pages = {{{{"a"}, {"b"}}, true}};
    EXPECT_EQ(bucket.list_all("").error().kind, ErrorKind::corrupt);
    bucket.pages = {{{{"a"}}, true}, {{{"a"}}, false}};
    EXPECT_EQ(bucket.list_all("").error().kind, ErrorKind::corrupt);
    bucket.pages = {{{}, true}};
    EXPECT_EQ(bucket.list_all("").error().kind, ErrorKind::corrupt);
    bucket.pages = {{{{"b"}, {"a"}}, false}};
    EXPECT_EQ(bucket.list_all("").error().kind, ErrorKind::corrupt);
}

TEST(ListAll, MoreThanAnyLibraryHasIsCorrupt) {
    Scripted bucket;
    bucket.pages = {{{{"a"}, {"b"}}, true}, {{{"c"}}, false}};
    EXPECT_EQ(bucket.list_all("", 3)->size(), 3U);
    bucket.pages = {{{{"a"}, {"b"}}, true}, {{{"c"}}, true}, {{{"d"}}, true}};
    const auto got = bucket.list_all("", 3);
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error(), (Error{ErrorKind::corrupt, "scripted: its listing of \"\" has more than 3 objects"}));
}

TEST(MemoryBody, ReadsWithinItsSizeOnly) {
    MemoryBody body(as_bytes("0123"));
    Bytes two(2);
    ASSERT_TRUE(body.read(2, two));
    EXPECT_EQ(as_text(two), "23");
    EXPECT_FALSE(body.read(3, two));
    EXPECT_FALSE(body.read(UINT64_MAX, two));
    EXPECT_TRUE(body.read(4, {}));
}

TEST(MemoryBucket, StampsWithItsClock) {
    int64_t now = 1000;
    const auto bucket = make_memory_bucket([&] { return now; });
    ASSERT_TRUE(bucket->put("a", as_bytes("x")));
    now = 2000;
    ASSERT_TRUE(bucket->put("b", as_bytes("x")));
    EXPECT_EQ(bucket->stat("a")->modified_ms, 1000);
    EXPECT_EQ(bucket->stat("b")->modified_ms, 2000);
}

TEST(MemoryBucket, HoldsAnObjectBelowAnObjectAsS3Does) {
    const auto bucket = make_memory_bucket();
    ASSERT_EQ(*bucket->put_if_absent("a", as_bytes("x")), PutOutcome::created);
    EXPECT_EQ(*bucket->put_if_absent("a/b", as_bytes("y")), PutOutcome::created);
}

TEST(CountingBucket, CountsCallsAndBytes) {
    const auto memory = make_memory_bucket();
    const auto counting = make_counting_bucket(*memory);
    Bucket& bucket = *counting;
    ASSERT_TRUE(bucket.put_if_absent("a", as_bytes("12345")));
    ASSERT_TRUE(bucket.put_if_absent("a", as_bytes("12345")));
    ASSERT_TRUE(bucket.put("b", as_bytes("123")));
    ASSERT_TRUE(bucket.get("a", 5));
    ASSERT_TRUE(bucket.get_range("a", 1, 2));
    EXPECT_FALSE(bucket.get("c", 5));
    ASSERT_TRUE(bucket.list("", "", 5));
    ASSERT_TRUE(bucket.stat("a"));
    ASSERT_TRUE(bucket.remove("a"));
    const CallCounts counts = counting->counts();
    EXPECT_EQ(counts.put, 3U);
    EXPECT_EQ(counts.get, 3U);
    EXPECT_EQ(counts.list, 1U);
    EXPECT_EQ(counts.stat, 1U);
    EXPECT_EQ(counts.remove, 1U);
    EXPECT_EQ(counts.total(), 9U);
    EXPECT_EQ(counts.bytes_sent, 13U);
    EXPECT_EQ(counts.bytes_received, 7U);
}

}  // namespace
}  // namespace bae::s3
