// Ranges from servers that know them, half know them, or change what they serve meanwhile.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "s3/s3_bucket.h"
#include "s3/s3_object.h"
#include "s3/scripted_server.h"

namespace bae::s3 {
namespace {

constexpr size_t kMiB = 1 << 20;

std::string patterned(size_t size, unsigned seed) {
    std::string out(size, '\0');
    for (size_t i = 0; i < size; i++) out[i] = static_cast<char>((i * 31 + i / 4093 + seed) & 0xff);
    return out;
}

struct Asked {
    size_t first = 0, last = 0;
};
Asked asked_of(const ScriptedRequest& request) {
    Asked out;
    const std::string text = request.header("range");
    EXPECT_TRUE(text.starts_with("bytes=")) << text;
    const size_t dash = text.find('-');
    out.first = std::stoull(text.substr(6, dash - 6));
    out.last = dash + 1 == text.size() ? SIZE_MAX : std::stoull(text.substr(dash + 1));
    return out;
}

ScriptedAnswer range_of(const std::string& object, const ScriptedRequest& request, const std::string& etag = "\"e\"") {
    const Asked asked = asked_of(request);
    const std::string size = std::to_string(object.size());
    if (asked.first >= object.size())
        return ScriptedAnswer::error(416, "InvalidRange", "", {{"Content-Range", "bytes */" + size}});
    const size_t last = std::min(asked.last, object.size() - 1);
    std::vector<std::pair<std::string, std::string>> headers = {
        {"Content-Range", "bytes " + std::to_string(asked.first) + "-" + std::to_string(last) + "/" + size}};
    if (!etag.empty()) headers.emplace_back("ETag", etag);
    return ScriptedAnswer::of(206, object.substr(asked.first, last - asked.first + 1), std::move(headers));
}

class S3Range : public testing::Test {
  protected:
    void serve(ScriptedServer::Handler handler, int parallel = 4, int64_t stall_timeout_ms = 30'000) {
        bucket.reset();
        server = std::make_unique<ScriptedServer>(std::move(handler));
        S3Options options = options_for(*server);
        options.parallel = parallel;
        options.stall_timeout_ms = stall_timeout_ms;
        bucket = std::move(*open_s3_bucket(std::move(options), crypto::system_random()));
    }
    std::string range(uint64_t offset, uint64_t length) {
        const auto got = bucket->get_range("a", offset, length);
        return got ? std::string(as_text(*got)) : std::string(to_string(got.error().kind)) + ": " + got.error().message;
    }
    std::string kind(uint64_t offset, uint64_t length) {
        const std::string told = range(offset, length);
        return told.substr(0, told.find(':'));
    }

    const std::string object = patterned(7 * kMiB + 4321, 1);
    std::unique_ptr<ScriptedServer> server;
    std::unique_ptr<S3Bucket> bucket;
};

TEST_F(S3Range, ASmallRangeIsOneRequest) {
    serve([&](const ScriptedRequest& request) { return range_of(object, request); });
    EXPECT_EQ(range(10, 100), object.substr(10, 100));
    EXPECT_EQ(server->request_count(), 1U);
    EXPECT_EQ(server->requests()[0].header("range"), "bytes=10-109");
}

TEST_F(S3Range, ALargeOneIsFetchedInPiecesSideBySide) {
    serve([&](const ScriptedRequest& request) { return range_of(object, request); });
    EXPECT_TRUE(range(5, 6 * kMiB) == object.substr(5, 6 * kMiB));
    EXPECT_EQ(server->request_count(), 3U) << "pieces of whole MiB";
    EXPECT_TRUE(range(0, UINT64_MAX) == object) << "to the end";
    EXPECT_TRUE(range(1, 100 * kMiB) == object.substr(1)) << "pieces behind the end";
}

TEST_F(S3Range, APieceThatStallsHoldsUpNoOther) {
    serve(
        [&, n = 0](const ScriptedRequest& request) mutable {
            return ++n == 1 ? ScriptedAnswer::silence() : range_of(object, request);
        },
        4, 1000);
    EXPECT_TRUE(range(0, object.size()) == object);
    std::vector<size_t> order;
    for (const ScriptedRequest& request : server->requests()) order.push_back(asked_of(request).first);
    EXPECT_EQ(std::set<size_t>(order.begin(), order.begin() + 4).size(), 4U)
        << "all pieces, before any is asked for again";
    EXPECT_EQ(std::count(order.begin(), order.end(), order.front()), 2);
}

TEST_F(S3Range, ConnectionsThatDiedInSilenceAreTriedOnce) {
    int dead = 0;  // connections up to this one
    serve(
        [&](const ScriptedRequest& request) {
            return request.connection <= dead ? ScriptedAnswer::silence() : range_of(object, request);
        },
        4, 500);
    EXPECT_TRUE(range(0, object.size()) == object);
    ASSERT_GE(server->connections(), 2);
    server->change([&] { dead = server->connections(); });
    const size_t before = server->request_count();
    EXPECT_TRUE(range(0, 10) == object.substr(0, 10));
    EXPECT_EQ(server->request_count() - before, 2U);
}

TEST_F(S3Range, OneAtATimeWhereOnlyOneIsAllowed) {
    serve([&](const ScriptedRequest& request) { return range_of(object, request); }, 1);
    EXPECT_TRUE(range(0, object.size()) == object);
    EXPECT_EQ(server->connections(), 1);
}

TEST_F(S3Range, TheEndAndWhatIsBehindIt) {
    serve([&](const ScriptedRequest& request) {
        if (request.method == "HEAD")
            return ScriptedAnswer::of(200, "", {{"Content-Length", std::to_string(object.size())}});
        return range_of(object, request);
    });
    EXPECT_EQ(range(object.size(), 10), "");
    EXPECT_EQ(range(object.size(), 100 * kMiB), "");
    EXPECT_EQ(range(object.size(), 0), "");
    EXPECT_EQ(range(3, 0), "");
    EXPECT_EQ(kind(object.size() + 1, 10), "invalid_input");
    EXPECT_EQ(kind(object.size() + 1, 100 * kMiB), "invalid_input");
    EXPECT_EQ(kind(object.size() + 1, 0), "invalid_input");
    EXPECT_EQ(kind(UINT64_MAX, UINT64_MAX), "invalid_input");
}

TEST_F(S3Range, TheSizeIsAskedForWhereARefusalDoesNotTellIt) {
    serve([&](const ScriptedRequest& request) {
        return request.method == "HEAD" ? ScriptedAnswer::of(200, "", {{"Content-Length", "10"}})
                                        : ScriptedAnswer::error(416, "InvalidRange");
    });
    EXPECT_EQ(range(10, 5), "");
    EXPECT_EQ(kind(11, 5), "invalid_input");
}

TEST_F(S3Range, PiecesOfTwoVersionsAreNeverPutTogether) {
    const std::string newer = patterned(object.size(), 2);
    serve([&, n = 0](const ScriptedRequest& request) mutable {
        return ++n <= 2 ? range_of(object, request, "\"one\"") : range_of(newer, request, "\"two\"");
    });
    EXPECT_TRUE(range(0, object.size()) == newer);
    serve([&, n = 0](const ScriptedRequest& request) mutable {
        return range_of(object, request, "\"" + std::to_string(n++) + "\"");
    });
    const std::string told = range(0, object.size());
    EXPECT_TRUE(told.starts_with("retry:")) << told.substr(0, 100);
    EXPECT_LE(server->request_count(), 12U);
}

TEST_F(S3Range, AShorterVersionMeanwhileIsReadAgain) {
    const std::string newer = object.substr(0, 3 * kMiB);
    serve([&, n = 0](const ScriptedRequest& request) mutable {
        return ++n == 1 ? range_of(object, request, "\"one\"") : range_of(newer, request, "\"two\"");
    });
    EXPECT_TRUE(range(0, object.size()) == newer);
}

TEST_F(S3Range, WhereVersionsCannotBeToldApartItIsOneRequest) {
    serve([&](const ScriptedRequest& request) { return range_of(object, request, ""); });
    EXPECT_TRUE(range(0, object.size()) == object);
    const auto requests = server->requests();
    EXPECT_EQ(std::count_if(requests.begin(), requests.end(),
                            [&](const ScriptedRequest& request) {
                                return request.header("range") == "bytes=0-" + std::to_string(object.size() - 1);
                            }),
              1);
}

TEST_F(S3Range, AServerThatKnowsNoRangesIsReadWhole) {
    serve([&](const ScriptedRequest&) { return ScriptedAnswer::of(200, object); });
    EXPECT_EQ(range(10, 5), object.substr(10, 5));
    EXPECT_TRUE(range(kMiB, 5 * kMiB) == object.substr(kMiB, 5 * kMiB));
    EXPECT_EQ(range(object.size() - 2, 5), object.substr(object.size() - 2));
    EXPECT_EQ(range(object.size(), 5), "");
    EXPECT_EQ(kind(object.size() + 1, 5), "invalid_input");
    serve([](const ScriptedRequest&) { return ScriptedAnswer::of(200, ""); });
    EXPECT_EQ(range(0, 5), "");
}

TEST_F(S3Range, ButNotWhereThatIsTooMuch) {
    serve([](const ScriptedRequest&) {
        return ScriptedAnswer::raw("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n");
    });
    EXPECT_EQ(kind(10, 5), "unsupported");
    serve([](const ScriptedRequest&) {
        return ScriptedAnswer::raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n");
    });
    EXPECT_EQ(kind(0, 1), "unsupported");
}

TEST_F(S3Range, AnswersToAnotherQuestionAreCorrupt) {
    for (const std::string range_header :
         {"bytes 1-10/100", "bytes 0-10/100", "bytes 0-8/100", "bytes 0-9/5", "bytes 0-9/*", "bytes */100",
          "items 0-9/100", "0-9/100", "bytes 9-0/100", "bytes -9/100", "bytes 0-99999999999999999999/100", ""}) {
        serve([&](const ScriptedRequest&) {
            return ScriptedAnswer::of(206, "0123456789", {{"Content-Range", range_header}, {"ETag", "e"}});
        });
        EXPECT_EQ(kind(0, 10), "corrupt") << range_header;
    }
    serve([](const ScriptedRequest&) {
        return ScriptedAnswer::of(206, "01234567890", {{"Content-Range", "bytes 0-9/100"}, {"ETag", "e"}});
    });
    EXPECT_EQ(kind(0, 10), "corrupt") << "more bytes than the range has";
    serve([](const ScriptedRequest&) { return ScriptedAnswer::of(204); });
    EXPECT_EQ(kind(0, 10), "corrupt");
}

TEST_F(S3Range, ACutPieceIsReadAgain) {
    serve([&, n = 0](const ScriptedRequest& request) mutable {
        ScriptedAnswer answer = range_of(object, request);
        if (++n != 2) return answer;
        return ScriptedAnswer::raw(answer.bytes.substr(0, answer.bytes.size() / 2));
    });
    EXPECT_TRUE(range(0, object.size()) == object);
    EXPECT_EQ(server->request_count(), 5U);
}

TEST_F(S3Range, WhatIsAbsentIsNotFound) {
    serve([](const ScriptedRequest&) { return ScriptedAnswer::error(404, "NoSuchKey"); });
    EXPECT_EQ(kind(0, 10), "not_found");
    EXPECT_EQ(kind(0, 100 * kMiB), "not_found");
    EXPECT_EQ(kind(0, 0), "not_found");
}

TEST(ContentRange, IsReadStrictly) {
    const auto range = parse_content_range("bytes 3-9/100");
    ASSERT_TRUE(range);
    EXPECT_EQ(range->first, 3U);
    EXPECT_EQ(range->last, 9U);
    EXPECT_EQ(range->size, 100U);
    EXPECT_EQ(parse_content_range("bytes */7")->size, 7U);
    EXPECT_FALSE(parse_content_range("bytes */7")->first);
    EXPECT_EQ(parse_content_range("bytes 0-0/*")->size, std::nullopt);
    for (const std::string_view bad : {"", "bytes", "bytes ", "bytes 1-2", "bytes 2-1/9", "bytes 1-9/9", "bytes a-b/c",
                                       "bytes 1 -2/9", "bytes 1/9", "BYTES 1-2/9"})
        EXPECT_FALSE(parse_content_range(bad)) << bad;
}

}  // namespace
}  // namespace bae::s3
