// Bodies in parts, against a small server that knows multipart uploads and can be told to misbehave.
#include "s3/multipart.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <optional>
#include <set>
#include <thread>

#include "s3/s3_bucket.h"
#include "s3/scripted_server.h"

namespace bae::s3 {
namespace {

constexpr size_t kPart = 5 << 20;
constexpr size_t kBody = 3 * kPart + 1234;

Bytes patterned(size_t size, unsigned seed = 1) {
    Bytes out(size);
    for (size_t i = 0; i < size; i++) out[i] = static_cast<std::byte>(i * 31 + i / 4093 + seed);
    return out;
}

struct Upload {
    std::string path;
    std::map<int, std::string> parts;
};

// What one bucket holds. Its handler is called by one thread at a time.
struct PartsServer {
    std::map<std::string, std::string> objects;
    std::map<std::string, Upload> uploads;  // by id; a later id is newer
    int begun = 0, aborted = 0, part_puts = 0;
    // Told before the usual answer is made; an answer of its own replaces that.
    std::function<std::optional<ScriptedAnswer>(const ScriptedRequest&)> before;
    std::function<std::optional<ScriptedAnswer>(const ScriptedRequest&)> after;  // applied, but answered otherwise

    ScriptedAnswer handle(const ScriptedRequest& request) {
        if (before)
            if (auto own = before(request)) return *own;
        ScriptedAnswer usual = apply(request);
        if (after)
            if (auto own = after(request)) return *own;
        return usual;
    }

    ScriptedAnswer apply(const ScriptedRequest& request) {
        if (request.method == "GET" && request.has_parameter("uploads")) return list_uploads(request);
        if (request.method == "POST" && request.has_parameter("uploads")) return begin(request);
        if (!request.has_parameter("uploadId")) return on_object(request);
        const auto upload = uploads.find(request.parameter("uploadId"));
        if (upload == uploads.end()) return ScriptedAnswer::error(404, "NoSuchUpload");
        if (request.method == "GET") return list_parts(request, upload->second);
        if (request.method == "PUT") return take_part(request, upload->second);
        if (request.method == "POST") return complete(request, upload->first);
        uploads.erase(upload);
        aborted++;
        return ScriptedAnswer::of(204);
    }

    ScriptedAnswer on_object(const ScriptedRequest& request) {
        if (request.method == "PUT") {
            objects[request.path] = request.body;
            return ScriptedAnswer::of(200);
        }
        const auto object = objects.find(request.path);
        if (object == objects.end()) return ScriptedAnswer::of(404);
        return ScriptedAnswer::of(200, "", {{"Content-Length", std::to_string(object->second.size())}});
    }

    ScriptedAnswer begin(const ScriptedRequest& request) {
        const std::string id = "id-" + std::to_string(1000 + ++begun);
        uploads[id].path = request.path;
        return ScriptedAnswer::of(
            200, "<InitiateMultipartUploadResult><UploadId>" + id + "</UploadId></InitiateMultipartUploadResult>");
    }

    // Two at a time, so that pages are followed.
    ScriptedAnswer list_uploads(const ScriptedRequest& request) const {
        const std::string past = request.parameter("upload-id-marker");
        std::string out, last;
        int count = 0;
        bool truncated = false;
        for (const auto& [id, upload] : uploads) {
            if (id <= past) continue;
            if (count++ == 2) {
                truncated = true;
                break;
            }
            last = id;
            out += "<Upload><Key>" + upload.path.substr(8) + "</Key><UploadId>" + id +
                   "</UploadId><Initiated>2026-01-01T00:00:" + id.substr(5, 2) + ".000Z</Initiated></Upload>";
        }
        return ScriptedAnswer::of(200, "<ListMultipartUploadsResult><IsTruncated>" +
                                           std::string(truncated ? "true" : "false") +
                                           "</IsTruncated><NextKeyMarker>k</NextKeyMarker><NextUploadIdMarker>" + last +
                                           "</NextUploadIdMarker>" + out + "</ListMultipartUploadsResult>");
    }

    ScriptedAnswer list_parts(const ScriptedRequest& request, const Upload& upload) const {
        const std::string marker = request.parameter("part-number-marker");
        const int past = marker.empty() ? 0 : std::stoi(marker);
        std::string out;
        int count = 0, last = 0;
        bool truncated = false;
        for (const auto& [number, bytes] : upload.parts) {
            if (number <= past) continue;
            if (count++ == 2) {
                truncated = true;
                break;
            }
            last = number;
            out += "<Part><PartNumber>" + std::to_string(number) + "</PartNumber><Size>" +
                   std::to_string(bytes.size()) + "</Size><ETag>&quot;" + etag_of(number, bytes) +
                   "&quot;</ETag></Part>";
        }
        return ScriptedAnswer::of(200, "<ListPartsResult><IsTruncated>" + std::string(truncated ? "true" : "false") +
                                           "</IsTruncated><NextPartNumberMarker>" + std::to_string(last) +
                                           "</NextPartNumberMarker>" + out + "</ListPartsResult>");
    }

    static std::string etag_of(int number, const std::string& bytes) {
        return std::to_string(number) + "-" + std::to_string(std::hash<std::string>()(bytes));
    }

    ScriptedAnswer take_part(const ScriptedRequest& request, Upload& upload) {
        const int number = std::stoi(request.parameter("partNumber"));
        upload.parts[number] = request.body;
        part_puts++;
        return ScriptedAnswer::of(200, "", {{"ETag", "\"" + etag_of(number, request.body) + "\""}});
    }

    ScriptedAnswer complete(const ScriptedRequest& request, const std::string& id) {
        const Upload& upload = uploads.at(id);
        std::string whole;
        for (const auto& [number, bytes] : upload.parts) {
            if (request.body.find("<PartNumber>" + std::to_string(number) + "</PartNumber>") == std::string::npos ||
                request.body.find(etag_of(number, bytes)) == std::string::npos)
                return ScriptedAnswer::error(400, "InvalidPart");
            whole += bytes;
        }
        objects[upload.path] = whole;
        uploads.erase(id);
        return ScriptedAnswer::of(200,
                                  "<CompleteMultipartUploadResult><ETag>&quot;all-1&quot;</ETag>"
                                  "</CompleteMultipartUploadResult>");
    }
};

class ContentBody : public MemoryBody {
  public:
    using MemoryBody::MemoryBody;
    bool content_addressed() const override { return true; }
};

Result<PutOutcome> create(const std::unique_ptr<S3Bucket>& bucket, ByteView bytes) {
    ContentBody content(bytes);
    return bucket->put_if_absent("a", content);
}

Result<void> replace(const std::unique_ptr<S3Bucket>& bucket, ByteView bytes) {
    ContentBody content(bytes);
    return bucket->put("a", content);
}

class Multipart : public testing::Test {
  protected:
    std::unique_ptr<S3Bucket> open(int parallel = 3) {
        S3Options options = options_for(server, "p");
        options.part_bytes = kPart;
        options.parallel = parallel;
        return std::move(*open_s3_bucket(std::move(options), crypto::system_random()));
    }
    bool holds(ByteView bytes) const {
        const auto at = parts.objects.find("/bucket/p/a");
        return at != parts.objects.end() && equal(as_bytes(at->second), bytes);
    }
    std::string begin(std::map<int, std::string> sent, const std::string& path = "/bucket/p/a") {
        const std::string id = "id-" + std::to_string(1000 + ++parts.begun);
        parts.uploads[id] = {path, std::move(sent)};
        return id;
    }
    std::string part_of(const Bytes& of, size_t number) const {
        const size_t begin_at = (number - 1) * kPart;
        return std::string(as_text(ByteView(of).subspan(begin_at, std::min(kPart, of.size() - begin_at))));
    }

    const Bytes body = patterned(kBody);
    PartsServer parts;
    ScriptedServer server{[this](const ScriptedRequest& request) { return parts.handle(request); }};
};

TEST(PartSize, IsTheGivenOneUntilThereWouldBeTooManyParts) {
    EXPECT_EQ(part_size_of(0, 16 << 20), 16U << 20);
    EXPECT_EQ(part_size_of(uint64_t{16 << 20} * 10'000, 16 << 20), 16U << 20);
    const uint64_t huge = uint64_t{16 << 20} * 10'000 + 1;
    EXPECT_EQ(part_size_of(huge, 16 << 20), 17U << 20);
    for (const uint64_t size : {huge, uint64_t{5} << 40, (uint64_t{5} << 40) + 1}) {
        const uint64_t part = part_size_of(size, kPart);
        EXPECT_LE((size + part - 1) / part, kMaxParts);
        EXPECT_EQ(part % (1 << 20), 0U);
    }
}

// An open upload at the path of a stream may be another installation's, with other bytes.
TEST_F(Multipart, ABodyThatIsNotContentAddressedIsOneRequestAndUsesNoPartsOfOthers) {
    const std::string id = begin({{1, std::string(kPart, 'x')}});
    EXPECT_EQ(*open()->put_if_absent("a", body), PutOutcome::created);
    EXPECT_TRUE(holds(body));
    EXPECT_EQ(parts.part_puts, 0);
    EXPECT_TRUE(parts.uploads.contains(id));
    ASSERT_TRUE(open()->put("a", body));
    EXPECT_EQ(parts.part_puts, 0);
}

TEST_F(Multipart, ALargeBodyGoesInEqualPartsAndIsPutTogether) {
    EXPECT_EQ(*create(open(), body), PutOutcome::created);
    EXPECT_TRUE(holds(body));
    EXPECT_EQ(parts.part_puts, 4);
    EXPECT_EQ(parts.begun, 1);
    EXPECT_TRUE(parts.uploads.empty());
    for (const ScriptedRequest& request : server.requests())
        if (request.has_parameter("partNumber")) {
            EXPECT_NE(request.header("x-amz-content-sha256"), "UNSIGNED-PAYLOAD");
        }
}

TEST_F(Multipart, ABodyOfOnePartIsOneRequest) {
    EXPECT_EQ(*create(open(), ByteView(body).first(kPart)), PutOutcome::created);
    EXPECT_EQ(server.request_count(), 1U);
    ASSERT_TRUE(replace(open(), ByteView(body).first(kPart + 1)));
    EXPECT_TRUE(holds(ByteView(body).first(kPart + 1)));
}

TEST_F(Multipart, WhatIsThereIsNotSentAgain) {
    parts.objects["/bucket/p/a"] = "anything";
    EXPECT_EQ(*create(open(), body), PutOutcome::exists);
    EXPECT_EQ(server.request_count(), 1U);
    ASSERT_TRUE(replace(open(), body));
    EXPECT_TRUE(holds(body)) << "but put replaces it";
}

TEST_F(Multipart, PartsThatWereSentBeforeAreNotSentAgain) {
    begin({{1, part_of(body, 1)}, {2, part_of(body, 2)}, {4, part_of(body, 4)}});
    EXPECT_EQ(*create(open(), body), PutOutcome::created);
    EXPECT_TRUE(holds(body));
    EXPECT_EQ(parts.part_puts, 1);
    EXPECT_EQ(parts.begun, 1);
}

TEST_F(Multipart, TheNewestOfOurUploadsIsTakenAndTheOthersAreEnded) {
    begin({{1, part_of(body, 1)}});
    begin({{1, part_of(body, 1)}, {2, part_of(body, 2)}});
    const std::string other = begin({{1, "x"}}, "/bucket/p/ab");
    begin({{1, part_of(body, 1)}, {2, part_of(body, 2)}, {3, part_of(body, 3)}});
    ASSERT_TRUE(replace(open(), body));
    EXPECT_TRUE(holds(body));
    EXPECT_EQ(parts.part_puts, 1);
    EXPECT_EQ(parts.uploads.size(), 1U) << "of another key, and none of ours";
    EXPECT_TRUE(parts.uploads.contains(other));
}

TEST_F(Multipart, PartsThatDoNotFitAreNotUsed) {
    for (const auto& [number, bytes] :
         std::map<int, std::string>{{1, "short"}, {9, part_of(body, 1)}, {4, part_of(body, 1)}}) {
        parts.objects.clear();
        const std::string id = begin({{number, bytes}});
        const int before = parts.aborted;
        ASSERT_TRUE(replace(open(), body));
        EXPECT_TRUE(holds(body));
        EXPECT_EQ(parts.aborted, before + 1);
    }
}

TEST_F(Multipart, PartsThatDoNotFitAreLeftWhereTheyMayNotBeRemoved) {
    begin({{1, "short"}});
    parts.before = [](const ScriptedRequest& request) -> std::optional<ScriptedAnswer> {
        if (request.method == "DELETE") return ScriptedAnswer::error(403, "AccessDenied");
        return std::nullopt;
    };
    ASSERT_TRUE(replace(open(), body));
    EXPECT_TRUE(holds(body));
}

TEST_F(Multipart, AServerThatCannotListUploadsBeginsANewOne) {
    for (const auto& answer : {ScriptedAnswer::error(501, "NotImplemented"), ScriptedAnswer::error(403, "AccessDenied"),
                               ScriptedAnswer::error(405, "MethodNotAllowed"), ScriptedAnswer::of(200, "<html/>")}) {
        parts.objects.clear();
        parts.before = [&](const ScriptedRequest& request) -> std::optional<ScriptedAnswer> {
            if (request.method == "GET" && request.has_parameter("uploads")) return answer;
            return std::nullopt;
        };
        ASSERT_TRUE(replace(open(), body));
        EXPECT_TRUE(holds(body));
    }
}

TEST_F(Multipart, AServerThatCannotListPartsBeginsANewOne) {
    begin({{1, part_of(body, 1)}});
    parts.before = [&](const ScriptedRequest& request) -> std::optional<ScriptedAnswer> {
        if (request.method == "GET" && request.has_parameter("uploadId"))
            return ScriptedAnswer::error(403, "AccessDenied");
        return std::nullopt;
    };
    ASSERT_TRUE(replace(open(), body));
    EXPECT_TRUE(holds(body));
    EXPECT_EQ(parts.begun, 2);
}

TEST_F(Multipart, AFailedPartIsSentAgainAloneAndItsSiblingsGoOn) {
    std::set<std::string> failed;
    parts.before = [&](const ScriptedRequest& request) -> std::optional<ScriptedAnswer> {
        const std::string number = request.parameter("partNumber");
        if (number.empty() || !failed.insert(number).second) return std::nullopt;
        return number == "2" ? ScriptedAnswer::none() : ScriptedAnswer::error(503, "SlowDown");
    };
    ASSERT_TRUE(replace(open(), body));
    EXPECT_TRUE(holds(body));
    EXPECT_EQ(parts.part_puts, 4);
}

TEST_F(Multipart, AnErrorInsideASuccessIsAnError) {
    int answered = 0;
    parts.before = [&](const ScriptedRequest& request) -> std::optional<ScriptedAnswer> {
        if (request.method != "POST" || !request.has_parameter("uploadId") || answered++ > 0) return std::nullopt;
        return ScriptedAnswer::error(200, "InternalError");
    };
    ASSERT_TRUE(replace(open(), body));
    EXPECT_TRUE(holds(body));
    EXPECT_EQ(answered, 2);
}

TEST_F(Multipart, AnUploadCompletedByALostAnswerIsDone) {
    int lost = 0;
    parts.after = [&](const ScriptedRequest& request) -> std::optional<ScriptedAnswer> {
        if (request.method != "POST" || !request.has_parameter("uploadId") || lost++ > 0) return std::nullopt;
        return ScriptedAnswer::none();
    };
    EXPECT_EQ(*create(open(), body), PutOutcome::created);
    EXPECT_TRUE(holds(body));
    EXPECT_EQ(parts.begun, 1);
    EXPECT_EQ(parts.part_puts, 4);
}

TEST_F(Multipart, AnUploadThatVanishesIsBegunAgain) {
    bool vanished = false;
    parts.before = [&](const ScriptedRequest& request) -> std::optional<ScriptedAnswer> {
        if (request.parameter("partNumber") == "4" && !std::exchange(vanished, true)) parts.uploads.clear();
        return std::nullopt;
    };
    ASSERT_TRUE(replace(open(), body));
    EXPECT_TRUE(holds(body));
    EXPECT_EQ(parts.begun, 2);
}

TEST_F(Multipart, PartsTheServerDoesNotTakeAreSentAnew) {
    begin({{1, part_of(body, 1)}});
    bool refused = false;
    parts.before = [&](const ScriptedRequest& request) -> std::optional<ScriptedAnswer> {
        if (request.method != "POST" || !request.has_parameter("uploadId") || std::exchange(refused, true))
            return std::nullopt;
        return ScriptedAnswer::error(400, "InvalidPart");
    };
    ASSERT_TRUE(replace(open(), body));
    EXPECT_TRUE(holds(body));
    EXPECT_EQ(parts.aborted, 1);
    EXPECT_EQ(parts.begun, 2);
}

TEST_F(Multipart, AServerThatForgetsEverythingIsGivenUp) {
    parts.before = [&](const ScriptedRequest& request) -> std::optional<ScriptedAnswer> {
        if (request.has_parameter("partNumber")) parts.uploads.clear();
        return std::nullopt;
    };
    const auto put = replace(open(), body);
    ASSERT_FALSE(put);
    EXPECT_EQ(put.error().kind, ErrorKind::retry);
    EXPECT_LE(parts.begun, 5);
}

TEST_F(Multipart, AnObjectOfAnotherSizeIsNoSuccess) {
    parts.after = [&](const ScriptedRequest& request) -> std::optional<ScriptedAnswer> {
        if (request.method == "POST" && request.has_parameter("uploadId")) parts.objects["/bucket/p/a"].pop_back();
        return std::nullopt;
    };
    const auto put = replace(open(), body);
    ASSERT_FALSE(put);
    EXPECT_EQ(put.error().kind, ErrorKind::corrupt);
}

TEST_F(Multipart, APartWithoutAnETagCannotBePutTogether) {
    parts.after = [&](const ScriptedRequest& request) -> std::optional<ScriptedAnswer> {
        if (request.has_parameter("partNumber")) return ScriptedAnswer::of(200);
        return std::nullopt;
    };
    const auto put = replace(open(), body);
    ASSERT_FALSE(put);
    EXPECT_EQ(put.error().kind, ErrorKind::corrupt);
}

// Fails at one offset, as often as it is told to.
class FailingBody : public ContentBody {
  public:
    FailingBody(ByteView bytes, uint64_t at) : ContentBody(bytes), at_(at) {}
    Result<void> read(uint64_t offset, ByteSpan out) override {
        if (fails && offset == at_) return fail(ErrorKind::cancelled, "the person changed their mind");
        return MemoryBody::read(offset, out);
    }
    bool fails = true;

  private:
    uint64_t at_;
};

TEST_F(Multipart, AnErrorOfTheBodyIsReturnedAsItIsAndTheRestGoesOnLater) {
    FailingBody failing(body, 3 * kPart);
    const auto bucket = open(1);
    const auto put = bucket->put_if_absent("a", failing);
    ASSERT_FALSE(put);
    EXPECT_EQ(put.error(), (Error{ErrorKind::cancelled, "the person changed their mind"}));
    EXPECT_EQ(parts.part_puts, 3);
    EXPECT_EQ(parts.aborted, 0);
    failing.fails = false;
    EXPECT_EQ(*bucket->put_if_absent("a", failing), PutOutcome::created);
    EXPECT_TRUE(holds(body));
    EXPECT_EQ(parts.part_puts, 4);
    EXPECT_EQ(parts.begun, 1);
}

TEST_F(Multipart, AnUploadThatIsStoppedGoesOnLater) {
    S3Options options = options_for(server, "p");
    options.part_bytes = kPart;
    options.parallel = 1;
    std::atomic<bool> stop = false;
    options.cancelled = [&] { return stop.load(); };
    parts.after = [&](const ScriptedRequest& request) -> std::optional<ScriptedAnswer> {
        if (request.parameter("partNumber") == "2") stop = true;
        return std::nullopt;
    };
    const auto bucket = std::move(*open_s3_bucket(std::move(options), crypto::system_random()));
    const auto put = replace(bucket, body);
    ASSERT_FALSE(put);
    EXPECT_EQ(put.error().kind, ErrorKind::cancelled);
    stop = false;
    parts.after = nullptr;
    ASSERT_TRUE(replace(bucket, body));
    EXPECT_TRUE(holds(body));
    EXPECT_LE(parts.part_puts, 5);
    EXPECT_EQ(parts.begun, 1);
}

// kill -9 while the server answers the nth request of an upload, which it has applied.
class KilledUpload : public Multipart, public testing::WithParamInterface<size_t> {};

TEST_P(KilledUpload, GoesOnWhereItWas) {
    std::atomic<pid_t> child = 0;
    std::atomic<size_t> seen = 0;
    const auto kill_it = [&](const ScriptedRequest&) -> std::optional<ScriptedAnswer> {
        while (child == 0) std::this_thread::yield();  // the fork has not returned here yet
        if (++seen != GetParam()) return std::nullopt;
        ::kill(child, SIGKILL);
        return ScriptedAnswer::silence();
    };
    server.change([&] { parts.after = kill_it; });
    const pid_t forked = ::fork();
    if (forked == 0) {
        static_cast<void>(create(open(1), body));
        ::_exit(0);
    }
    child = forked;
    int status = 0;
    ASSERT_EQ(::waitpid(forked, &status, 0), forked);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << "it makes fewer requests";
    ASSERT_TRUE(create(open(), body));
    EXPECT_TRUE(holds(body));
    EXPECT_EQ(parts.part_puts, 4) << "no part is sent twice";
    EXPECT_EQ(parts.begun, 1);
    EXPECT_TRUE(parts.uploads.empty());
}

// stat, open uploads, begin, four parts, complete, stat
INSTANTIATE_TEST_SUITE_P(AtRequest, KilledUpload, testing::Range<size_t>(1, 10), testing::PrintToStringParamName());

}  // namespace
}  // namespace bae::s3
