// Listings against a std::map.
#include <algorithm>
#include <atomic>
#include <map>
#include <thread>

#include "conformance/suite.h"

namespace bae::s3::conformance {

TEST_P(Conformance, ListingsAreInByteOrderOfTheWholePath) {
    const std::vector<std::string> sorted = {"a-b", "a.b", "a/b", "a/b-c", "a/c/d", "a/c0", "a0", "a_", "ab", "b/a"};
    auto shuffled = sorted;
    std::shuffle(shuffled.begin(), shuffled.end(), std::mt19937_64(3));
    for (const std::string& path : shuffled) create(path, path);
    EXPECT_EQ(paths(""), sorted);
}

TEST_P(Conformance, APrefixMayEndInsideAName) {
    for (const std::string_view path : {"ab/cd", "ab/ce", "ab/d", "abc", "ac", "b"}) create(path, "x");
    using Paths = std::vector<std::string>;
    EXPECT_EQ(paths("ab"), (Paths{"ab/cd", "ab/ce", "ab/d", "abc"}));
    EXPECT_EQ(paths("ab/"), (Paths{"ab/cd", "ab/ce", "ab/d"}));
    EXPECT_EQ(paths("ab/c"), (Paths{"ab/cd", "ab/ce"}));
    EXPECT_EQ(paths("ab/cd"), (Paths{"ab/cd"}));
    EXPECT_EQ(paths("ab/cd/"), Paths{});
    EXPECT_EQ(paths("nothing/here"), Paths{});
    EXPECT_EQ(paths("ab."), Paths{});
}

TEST_P(Conformance, AfterNeedsNoObjectOfThatName) {
    for (const std::string_view path : {"a/1", "a/2", "b"}) create(path, "x");
    const auto after = [&](std::string_view prefix, std::string_view text) {
        const auto page = bucket->list(prefix, text, 10);
        std::string out;
        for (const ObjectInfo& object : page->objects) out += object.path + ' ';
        return out;
    };
    EXPECT_EQ(after("", "a/1"), "a/2 b ");
    EXPECT_EQ(after("", "a/15"), "a/2 b ");
    EXPECT_EQ(after("", "a/"), "a/1 a/2 b ");
    EXPECT_EQ(after("", "a/2/x"), "b ");
    EXPECT_EQ(after("a/", "0"), "a/1 a/2 ");
    EXPECT_EQ(after("a/", "b"), "");
    EXPECT_EQ(after("a/1", "a/1"), "");
    EXPECT_EQ(after("a/", "a/"), "a/1 a/2 ");
    EXPECT_EQ(after("", "Z z"), "a/1 a/2 b ");
    EXPECT_EQ(after("", "\xff"), "");
}

TEST_P(Conformance, TruncatedMeansThatMoreFollow) {
    for (const std::string_view path : {"a", "b", "c"}) create(path, "x");
    EXPECT_TRUE(bucket->list("", "", 2)->truncated);
    EXPECT_EQ(bucket->list("", "", 2)->objects.size(), 2U);
    EXPECT_FALSE(bucket->list("", "", 3)->truncated);
    EXPECT_FALSE(bucket->list("", "b", 1)->truncated);
    EXPECT_FALSE(bucket->list("a", "", 1)->truncated);
}

TEST_P(Conformance, BadListingsAreRefused) {
    EXPECT_EQ(kind_of(bucket->list("", "", 0)), ErrorKind::invalid_input);
    EXPECT_EQ(kind_of(bucket->list("", "", 1001)), ErrorKind::invalid_input);
    EXPECT_TRUE(bucket->list("", "", 1000));
    for (const std::string_view prefix : {"/", "a//", "../", "a/../", ".", "a/.", "A", "a b"})
        EXPECT_EQ(kind_of(bucket->list(prefix, "", 10)), ErrorKind::invalid_input) << prefix;
}

class RandomPaths {
  public:
    explicit RandomPaths(uint64_t seed) : random_(seed) {}
    size_t below(size_t n) { return static_cast<size_t>(random_() % n); }
    std::string name() {
        static constexpr std::string_view kMiddle = "ab0-._";
        std::string out(1, "ab0-_"[below(5)]);
        for (size_t more = below(3); more > 0; more--) out += kMiddle[below(kMiddle.size())];
        return out + "ab0-_"[below(5)];
    }
    // Directories end in 'd' and files in 'f', so that no object stands where another needs a directory.
    std::string path() {
        std::string out;
        for (size_t depth = below(3); depth > 0; depth--) out += name() + "d/";
        return out + name() + 'f';
    }

  private:
    std::mt19937_64 random_;
};

using Model = std::map<std::string, std::string>;

static std::vector<std::string> expected(const Model& model, const std::string& prefix, const std::string& after) {
    std::vector<std::string> out;
    for (const auto& [path, text] : model)
        if (path.starts_with(prefix) && path > after) out.push_back(path);
    return out;
}

TEST_P(Conformance, PagesOfRandomPathsEqualAMap) {
    const uint64_t seed = fresh_seed();
    SCOPED_TRACE("BAE_SEED=" + std::to_string(seed));
    RandomPaths random(seed);
    Model model;
    for (int i = 0; i < 150; i++) model[random.path()] = "x";
    for (const auto& [path, text] : model) create(path, text);
    for (int i = 0; i < 20; i++) {
        const std::string gone = std::next(model.begin(), static_cast<long>(random.below(model.size())))->first;
        ASSERT_TRUE(bucket->remove(gone));
        model.erase(gone);
    }
    for (int i = 0; i < rounds(60); i++) {
        std::string prefix = random.path();
        prefix.resize(random.below(std::min<size_t>(prefix.size(), 5)));
        if (!check_list(prefix, 1)) continue;
        std::string after = random.below(2) == 0 ? "" : random.path();
        const auto want = expected(model, prefix, after);
        const size_t limit = 1 + random.below(12);
        std::vector<std::string> got;
        for (bool more = true; more;) {
            const auto page = bucket->list(prefix, after, limit);
            ASSERT_TRUE(page) << page.error().message;
            ASSERT_LE(page->objects.size(), limit);
            for (const ObjectInfo& object : page->objects) got.push_back(object.path);
            more = page->truncated;
            ASSERT_TRUE(!more || page->objects.size() == limit);
            if (more) after = got.back();
        }
        ASSERT_EQ(got, want) << "prefix " << prefix << ", limit " << limit;
    }
}

TEST_P(Conformance, ListAllReadsPastOnePage) {
    std::vector<std::thread> threads;
    std::atomic<int> next = 0;
    for (int t = 0; t < 4; t++)
        threads.emplace_back([&] {
            for (int i = next++; i < 1003; i = next++)
                EXPECT_TRUE(bucket->put("n/" + std::to_string(10000 + i), ByteView()));
        });
    for (std::thread& thread : threads) thread.join();
    const auto all = paths("n/");
    ASSERT_EQ(all.size(), 1003U);
    EXPECT_TRUE(std::is_sorted(all.begin(), all.end()));
    EXPECT_EQ(bucket->list("", "", 1000)->objects.size(), 1000U);
}

}  // namespace bae::s3::conformance
