// Listings of odd servers.
#include <gtest/gtest.h>

#include "s3/s3_bucket.h"
#include "s3/scripted_server.h"
#include "s3/utc_time.h"

namespace bae::s3 {
namespace {

// One page: keys, and the token of the next if there is one.
std::string page(const std::vector<std::string>& keys, const std::string& token = {}) {
    std::string out = "<ListBucketResult><EncodingType>url</EncodingType>";
    for (const std::string& key : keys)
        out += "<Contents><Key>" + key +
               "</Key><Size>3</Size><ETag>&quot;e&quot;</ETag>"
               "<LastModified>2026-10-20T12:00:00.999Z</LastModified></Contents>";
    if (token.empty()) return out + "<IsTruncated>false</IsTruncated></ListBucketResult>";
    return out + "<IsTruncated>true</IsTruncated><NextContinuationToken>" + token +
           "</NextContinuationToken></ListBucketResult>";
}

class S3List : public testing::Test {
  protected:
    // Pages by the token that asks for them ("" the first).
    void serve(std::map<std::string, std::string> pages, const std::string& prefix = {}) {
        bucket.reset();
        server = std::make_unique<ScriptedServer>([pages](const ScriptedRequest& request) {
            const auto at = pages.find(request.parameter("continuation-token"));
            return at == pages.end() ? ScriptedAnswer::error(400, "InvalidArgument")
                                     : ScriptedAnswer::of(200, at->second);
        });
        bucket = std::move(*open_s3_bucket(options_for(*server, prefix), crypto::system_random()));
    }
    std::string listed(std::string_view prefix, std::string_view after, size_t limit) {
        const auto got = bucket->list(prefix, after, limit);
        if (!got) return std::string(to_string(got.error().kind));
        std::string out;
        for (const ObjectInfo& object : got->objects) out += object.path + " ";
        return out + (got->truncated ? "..." : ".");
    }

    std::unique_ptr<ScriptedServer> server;
    std::unique_ptr<S3Bucket> bucket;
};

TEST_F(S3List, AsksForWhatIsWantedAndStripsThePrefix) {
    serve({{"", page({"pre/fix/a/1", "pre%2Ffix/a/2"})}}, "pre/fix");
    EXPECT_EQ(listed("a/", "a/0", 7), "a/1 a/2 .");
    const ScriptedRequest request = server->requests().at(0);
    EXPECT_EQ(request.method + request.path, "GET/bucket/");
    EXPECT_EQ(request.parameter("list-type"), "2");
    EXPECT_EQ(request.parameter("encoding-type"), "url");
    EXPECT_EQ(request.parameter("max-keys"), "7");
    EXPECT_EQ(request.parameter("prefix"), "pre%2Ffix%2Fa%2F");
    EXPECT_EQ(request.parameter("start-after"), "pre%2Ffix%2Fa%2F0");
    const auto got = bucket->list("", "", 10);
    EXPECT_EQ(got->objects.at(0), (ObjectInfo{"a/1", 3, "e", *http_date_ms("Tue, 20 Oct 2026 12:00:00 GMT")}));
}

TEST_F(S3List, EmptyPagesAreFollowedWithinOneCall) {
    serve({{"", page({}, "t1")}, {"t1", page({}, "t2")}, {"t2", page({"a", "b"}, "t3")}, {"t3", page({})}});
    EXPECT_EQ(listed("", "", 10), "a b .");
    EXPECT_EQ(server->request_count(), 4U);
}

TEST_F(S3List, FullPagesAreNot) {
    serve({{"", page({"a", "b"}, "t1")}});
    EXPECT_EQ(listed("", "", 2), "a b ...");
    EXPECT_EQ(server->request_count(), 1U);
}

TEST_F(S3List, MoreThanAskedForIsTruncated) {
    serve({{"", page({"a", "b", "c"})}});
    EXPECT_EQ(listed("", "", 2), "a b ...");
}

TEST_F(S3List, OrderIsOurs) {
    serve({{"", page({"b", "a/c", "a-b", "a"})}});
    EXPECT_EQ(listed("", "", 10), "a a-b a/c b .");
}

TEST_F(S3List, KeysThatAreNoPathsOfOursArePassedOver) {
    serve({{"", page({"p/.hidden", "p/", "p/A", "p/ok", "p//x", "p/a%20b", "other/a", "p", "%FF", "p/z/"}, "t1")},
           {"t1", page({"p/Foreign", "p/zz"})}},
          "p");
    EXPECT_EQ(listed("", "", 2), "ok zz .");
}

TEST_F(S3List, WhatWasNotAskedForIsPassedOver) {
    serve({{"", page({"a/1", "b/1", "b/2", "b/3", "c"})}});
    EXPECT_EQ(listed("b/", "b/1", 10), "b/2 b/3 .");
}

TEST_F(S3List, ListingsThatRepeatThemselvesAreCorrupt) {
    serve({{"", page({"a"}, "t")}, {"t", page({"b"}, "t")}});
    EXPECT_EQ(listed("", "", 10), "corrupt") << "the same token";
    serve({{"", page({"a", "b"}, "t1")}, {"t1", page({"a", "b"}, "t2")}, {"t2", page({"c"})}});
    EXPECT_EQ(listed("", "", 10), "corrupt") << "the same page";
    serve({{"", page({"X1"}, "t1")}, {"t1", page({"X1"}, "t2")}, {"t2", page({"X1"}, "t1")}});
    EXPECT_EQ(listed("", "", 10), "corrupt") << "in a circle";
    serve({{"", page({"a", "a"})}});
    EXPECT_EQ(listed("", "", 10), "corrupt");
}

TEST_F(S3List, EmptyPagesWithoutEndAreCorrupt) {
    server = std::make_unique<ScriptedServer>([n = 0](const ScriptedRequest&) mutable {
        return ScriptedAnswer::of(200, page({}, "t" + std::to_string(n++)));
    });
    bucket = std::move(*open_s3_bucket(options_for(*server), crypto::system_random()));
    EXPECT_EQ(listed("", "", 10), "corrupt");
    EXPECT_LE(server->request_count(), 1001U);
}

TEST_F(S3List, ForeignKeysWithoutEndAreCorrupt) {
    server = std::make_unique<ScriptedServer>([n = 10'000'000](const ScriptedRequest&) mutable {
        n++;
        return n > 10'012'000 ? ScriptedAnswer::of(200, page({}))
                              : ScriptedAnswer::of(200, page({"X" + std::to_string(n)}, "t" + std::to_string(n)));
    });
    bucket = std::move(*open_s3_bucket(options_for(*server), crypto::system_random()));
    const auto got = bucket->list("", "", 10);
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind, ErrorKind::corrupt);
    EXPECT_NE(got.error().message.find("a prefix of its own"), std::string::npos) << got.error().message;
    EXPECT_EQ(server->request_count(), 10'000U);
}

TEST_F(S3List, WhatIsNoListingIsCorruptOrDenied) {
    serve({{"", "<html>hello</html>"}});
    EXPECT_EQ(listed("", "", 10), "corrupt");
    serve({});
    EXPECT_EQ(listed("", "", 10), "unsupported");
}

TEST_F(S3List, AMissingBucketIsNoEmptyOne) {
    server = std::make_unique<ScriptedServer>(
        [](const ScriptedRequest&) { return ScriptedAnswer::error(404, "NoSuchBucket"); });
    bucket = std::move(*open_s3_bucket(options_for(*server), crypto::system_random()));
    const auto got = bucket->list("", "", 10);
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind, ErrorKind::not_found);
    EXPECT_NE(got.error().message.find("no such bucket"), std::string::npos) << got.error().message;
}

// What is sent sorts among our paths as `after` does, whatever bytes that has.
TEST_F(S3List, OnlyPrintableTextIsSentAsTheStart) {
    serve({{"", page({})}});
    const auto sent = [&](std::string_view after) {
        EXPECT_EQ(listed("", after, 10), ".");
        return server->requests().back().parameter("start-after");
    };
    EXPECT_EQ(sent("a/b"), "a%2Fb");
    EXPECT_EQ(sent("a\xff"
                   "b"),
              "a~");
    EXPECT_EQ(sent("\x7f"), "~");
    EXPECT_EQ(sent("a\nb"), "a%21");
    EXPECT_EQ(sent("Z z"), "Z%21");
    EXPECT_EQ(sent(std::string(5000, 'a')), std::string(513, 'a'));
}

}  // namespace
}  // namespace bae::s3
