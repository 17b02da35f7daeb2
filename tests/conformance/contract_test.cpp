// Every clause of s3/bucket.h that one caller alone can see.
#include "conformance/suite.h"

namespace bae::s3::conformance {

TEST_P(Conformance, WhatWasCreatedIsReadBack) {
    create("changes/ab/0000000001.enc", "hello");
    EXPECT_EQ(text_of("changes/ab/0000000001.enc"), "hello");
    create("empty", "");
    EXPECT_EQ(text_of("empty"), "");
}

TEST_P(Conformance, CreatingAgainSaysExistsAndTouchesNothing) {
    create("a/b", "first");
    const auto before = bucket->stat("a/b");
    for (const std::string_view text : {"first", "second", ""}) {
        if (GetParam().repeats && text == "first") continue;  // its own bytes may be the ones it stored itself
        const auto again = bucket->put_if_absent("a/b", as_bytes(text));
        ASSERT_TRUE(again) << again.error().message;
        EXPECT_EQ(*again, PutOutcome::exists);
    }
    EXPECT_EQ(text_of("a/b"), "first");
    EXPECT_EQ(*bucket->stat("a/b"), *before);
}

TEST_P(Conformance, PutCreatesAndReplaces) {
    replace("heads/a.enc", "one");
    EXPECT_EQ(text_of("heads/a.enc"), "one");
    replace("heads/a.enc", "");
    EXPECT_EQ(text_of("heads/a.enc"), "");
    replace("heads/a.enc", "a longer text than before");
    EXPECT_EQ(text_of("heads/a.enc"), "a longer text than before");
    EXPECT_EQ(*bucket->put_if_absent("heads/a.enc", as_bytes("x")), PutOutcome::exists);
    EXPECT_EQ(paths(""), std::vector<std::string>{"heads/a.enc"});
}

TEST_P(Conformance, VersionChangesWithTheBytes) {
    replace("h", "one");
    const auto one = bucket->stat("h");
    replace("h", "two");
    const auto two = bucket->stat("h");
    ASSERT_TRUE(one && two);
    EXPECT_EQ(one->size, 3U);
    EXPECT_EQ(one->path, "h");
    EXPECT_TRUE(one->version.empty() || one->version != two->version) << one->version;
    EXPECT_GE(two->modified_ms, one->modified_ms);
}

TEST_P(Conformance, ListingAndStatSayTheSame) {
    create("x/one", "1");
    create("x/two", "22");
    const auto page = bucket->list("x/", "", 10);
    ASSERT_TRUE(page) << page.error().message;
    ASSERT_EQ(page->objects.size(), 2U);
    EXPECT_FALSE(page->truncated);
    for (const ObjectInfo& object : page->objects) EXPECT_EQ(object, *bucket->stat(object.path));
    EXPECT_EQ(page->objects[1].size, 2U);
}

TEST_P(Conformance, WhatIsAbsentIsNotFound) {
    create("there/is", "x");
    for (const std::string_view path : {"nothing", "no/thing", "there", "there/isnt", "there/is/not"}) {
        EXPECT_EQ(kind_of(bucket->get(path, 10)), ErrorKind::not_found) << path;
        EXPECT_EQ(kind_of(bucket->get_range(path, 0, 1)), ErrorKind::not_found) << path;
        EXPECT_EQ(kind_of(bucket->stat(path)), ErrorKind::not_found) << path;
    }
    EXPECT_NE(bucket->get("nothing", 10).error().message.find("nothing"), std::string::npos);
}

TEST_P(Conformance, RemovalIsIdempotentAndFreesThePath) {
    create("a/b", "x");
    for (int i = 0; i < 3; i++) EXPECT_TRUE(bucket->remove("a/b"));
    EXPECT_TRUE(bucket->remove("never/was"));
    EXPECT_TRUE(bucket->remove("a"));
    EXPECT_EQ(kind_of(bucket->get("a/b", 10)), ErrorKind::not_found);
    EXPECT_EQ(paths(""), std::vector<std::string>{});
    create("a/b", "again");
    EXPECT_EQ(text_of("a/b"), "again");
}

TEST_P(Conformance, AnObjectOverTheLimitIsCorrupt) {
    create("big", "12345");
    EXPECT_EQ(kind_of(bucket->get("big", 4)), ErrorKind::corrupt);
    EXPECT_EQ(kind_of(bucket->get("big", 0)), ErrorKind::corrupt);
    EXPECT_EQ(as_text(*bucket->get("big", 5)), "12345");
}

TEST_P(Conformance, RangesAtAndBeyondTheEnds) {
    create("r", "0123456789");
    const auto range = [&](uint64_t offset, uint64_t length) {
        const auto bytes = bucket->get_range("r", offset, length);
        return bytes ? std::string(as_text(*bytes)) : std::string(to_string(bytes.error().kind));
    };
    EXPECT_EQ(range(0, 10), "0123456789");
    EXPECT_EQ(range(0, 1), "0");
    EXPECT_EQ(range(3, 4), "3456");
    EXPECT_EQ(range(9, 1), "9");
    EXPECT_EQ(range(9, 2), "9");
    EXPECT_EQ(range(4, UINT64_MAX), "456789");
    EXPECT_EQ(range(0, 0), "");
    EXPECT_EQ(range(10, 0), "");
    EXPECT_EQ(range(10, 5), "");
    EXPECT_EQ(range(11, 0), "invalid_input");
    EXPECT_EQ(range(UINT64_MAX, UINT64_MAX), "invalid_input");
    create("none", "");
    EXPECT_EQ(as_text(*bucket->get_range("none", 0, 5)), "");
    EXPECT_EQ(kind_of(bucket->get_range("none", 1, 5)), ErrorKind::invalid_input);
}

TEST_P(Conformance, LargeObjectsComeBackWholeAndInParts) {
    const Bytes bytes = patterned((5 << 20) + 12345, 7);
    ASSERT_EQ(*bucket->put_if_absent("storage/ab/cd/large", bytes), PutOutcome::created);
    EXPECT_TRUE(equal(*bucket->get("storage/ab/cd/large", bytes.size()), bytes));
    EXPECT_EQ(bucket->stat("storage/ab/cd/large")->size, bytes.size());
    for (const size_t offset : {size_t{0}, size_t{1} << 20, bytes.size() - 1000}) {
        const size_t length = std::min<size_t>(777'777, bytes.size() - offset);
        EXPECT_TRUE(
            equal(*bucket->get_range("storage/ab/cd/large", offset, 777'777), ByteView(bytes).subspan(offset, length)));
    }
    const Bytes other = patterned(3 << 20, 8);
    ASSERT_TRUE(bucket->put("storage/ab/cd/large", other));
    EXPECT_TRUE(equal(*bucket->get("storage/ab/cd/large", bytes.size()), other));
}

TEST_P(Conformance, PathsThatAreNoPathsAreRefusedByEveryCall) {
    const std::vector<std::string> bad = {"",
                                          "/",
                                          "/a",
                                          "a/",
                                          "a//b",
                                          ".",
                                          "..",
                                          "../a",
                                          "a/..",
                                          "a/./b",
                                          ".tmp/x",
                                          ".a",
                                          "a.",
                                          "A",
                                          "a b",
                                          "a\nb",
                                          std::string("a\0b", 3),
                                          "\xc3\xa4",
                                          "a\\b",
                                          "a:b",
                                          "a*",
                                          std::string(256, 'a'),
                                          std::string(255, 'a') + '/' + std::string(255, 'b') + "/cc"};
    for (const std::string& path : bad) {
        EXPECT_EQ(kind_of(bucket->get(path, 1)), ErrorKind::invalid_input) << path;
        EXPECT_EQ(kind_of(bucket->get_range(path, 0, 1)), ErrorKind::invalid_input) << path;
        EXPECT_EQ(kind_of(bucket->put_if_absent(path, as_bytes("x"))), ErrorKind::invalid_input) << path;
        EXPECT_EQ(kind_of(bucket->put(path, as_bytes("x"))), ErrorKind::invalid_input) << path;
        EXPECT_EQ(kind_of(bucket->remove(path)), ErrorKind::invalid_input) << path;
        EXPECT_EQ(kind_of(bucket->stat(path)), ErrorKind::invalid_input) << path;
    }
    EXPECT_EQ(paths(""), std::vector<std::string>{});
}

TEST_P(Conformance, TheLongestAndOddestPathsWork) {
    const std::string longest = std::string(255, 'a') + '/' + std::string(255, 'b') + "/c";
    ASSERT_EQ(longest.size(), 513U);
    const std::vector<std::string> good = {std::string(255, 'a') + '/' + std::string(255, 'b'),
                                           longest.substr(1),
                                           "-",
                                           "_",
                                           "0",
                                           "a..b",
                                           "a-b.c_d",
                                           "x/-/_/0"};
    for (const std::string& path : good) {
        create(path, path);
        EXPECT_EQ(text_of(path), path);
        EXPECT_EQ(paths(path), std::vector<std::string>{path});
    }
    EXPECT_EQ(paths("").size(), good.size());
}

// Storages with directories cannot hold both; the others may. None may lie about it.
TEST_P(Conformance, AnObjectBelowAnObjectIsStoredOrAConflict) {
    create("a", "above");
    create("b/c", "below");
    for (const std::string_view path : {"a/b", "b"}) {
        const auto outcome = bucket->put_if_absent(path, as_bytes("new"));
        const auto put = bucket->put(path, as_bytes("new"));
        if (outcome) {
            EXPECT_EQ(*outcome, PutOutcome::created) << path;
            EXPECT_EQ(text_of(path), "new");
        } else {
            EXPECT_EQ(outcome.error().kind, ErrorKind::conflict) << outcome.error().message;
            EXPECT_EQ(kind_of(put), ErrorKind::conflict);
        }
    }
    EXPECT_EQ(text_of("a"), "above");
    EXPECT_EQ(text_of("b/c"), "below");
}

class FailingBody : public Body {
  public:
    uint64_t size() const override { return 1 << 20; }
    Result<void> read(uint64_t offset, ByteSpan out) override {
        if (offset + out.size() > size() / 2) return fail(ErrorKind::cancelled, "the person changed their mind");
        return {};
    }
};

TEST_P(Conformance, AnUploadWhoseSourceFailsLeavesNothing) {
    FailingBody body;
    EXPECT_EQ(kind_of(bucket->put_if_absent("new", body)), ErrorKind::cancelled);
    create("old", "old");
    EXPECT_EQ(kind_of(bucket->put("old", body)), ErrorKind::cancelled);
    EXPECT_EQ(text_of("old"), "old");
    EXPECT_EQ(paths(""), std::vector<std::string>{"old"});
}

TEST_P(Conformance, TwoClientsSeeTheSame) {
    const auto other = storage->open();
    create("one", "1");
    EXPECT_EQ(as_text(*other->get("one", 10)), "1");
    EXPECT_EQ(*other->put_if_absent("one", as_bytes("2")), PutOutcome::exists);
    ASSERT_TRUE(other->remove("one"));
    EXPECT_EQ(kind_of(bucket->stat("one")), ErrorKind::not_found);
}

INSTANTIATE_TEST_SUITE_P(Every, Conformance, testing::ValuesIn(every_kind()),
                         [](const auto& tested) { return tested.param.name; });

}  // namespace bae::s3::conformance
