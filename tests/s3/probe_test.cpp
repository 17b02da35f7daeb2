// Storages that keep their promises and storages that do not, and what the probe says of each.
#include "s3/probe.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <random>
#include <thread>

#include "s3/access_policy.h"
#include "s3/directory_bucket.h"
#include "s3/fault_bucket.h"
#include "s3/memory_bucket.h"
#include "s3/scratch_directory.h"

namespace bae::s3 {
namespace {

using Level = ProbeFinding::Level;

class SeededRandom : public crypto::Random {
  public:
    void fill(ByteSpan out) override {
        for (std::byte& byte : out) byte = static_cast<std::byte>(engine_());
    }

  private:
    std::mt19937 engine_{1};
};

// An S3 server over memory, with the habits of real ones.
class Server : public S3Bucket {
  public:
    ConditionalPut condition = ConditionalPut::honoured;
    bool atomic = true;
    bool may_write = true, may_read = true, may_list = true, may_remove = true;
    bool tells_missing = true;
    bool is_full = false;
    int wrong_reads = 0, false_conflicts = 0;  // so many to begin with
    bool may_go_in_parts = false;              // what was sent
    bool lists_late = false, lists_old_versions = false, cuts_ranges = false;
    std::optional<Error> absent;  // the bucket is
    Result<Versioning> kept = Versioning::never;
    std::optional<int64_t> offset_ms = 0, date_ms;
    std::unique_ptr<Bucket> memory = make_memory_bucket();
    std::map<std::string, std::string> first_versions;

    Result<Bytes> get(std::string_view path, uint64_t max_bytes) override {
        TRY(allowed(may_read));
        Result<Bytes> got = memory->get(path, max_bytes);
        if (got && wrong_reads-- > 0) got->pop_back();
        if (!got && !tells_missing) got.error().kind = ErrorKind::denied;
        return got;
    }
    Result<Bytes> get_range(std::string_view path, uint64_t offset, uint64_t length) override {
        TRY(allowed(may_read));
        return memory->get_range(path, cuts_ranges ? 0 : offset, length);
    }
    Result<PutOutcome> put_if_absent(std::string_view path, Body& body) override {
        TRY(allowed(may_write));
        may_go_in_parts = may_go_in_parts || body.content_addressed();
        return memory->put_if_absent(path, body);
    }
    Result<void> put(std::string_view path, Body& body) override {
        TRY(allowed(may_write));
        if (is_full) return tl::unexpected<Error>(Error{ErrorKind::denied, "QuotaExceeded", Cause::no_space});
        return memory->put(path, body);
    }
    Result<ListPage> list(std::string_view prefix, std::string_view after, size_t limit) override {
        TRY(allowed(may_list));
        if (lists_late) return ListPage{};
        ListPage page = TRY(memory->list(prefix, after, limit));
        for (ObjectInfo& info : page.objects) {
            if (lists_old_versions) info.version = first_versions.emplace(info.path, info.version).first->second;
        }
        return page;
    }
    Result<void> remove(std::string_view path) override {
        TRY(allowed(may_remove));
        return memory->remove(path);
    }
    Result<ObjectInfo> stat(std::string_view path) override {
        TRY(allowed(may_read));
        return memory->stat(path);
    }
    std::string describe() const override { return "a server"; }
    CallCounts counts() const override { return {}; }
    ConditionalPut conditional_put() const override { return ConditionalPut::unknown; }
    std::string region() const override { return ""; }
    std::optional<int64_t> clock_offset_ms() const override { return offset_ms; }
    std::optional<int64_t> clock_ms() const override { return date_ms; }
    Result<Versioning> versioning() override { return kept; }
    Result<void> create_bucket() override { return {}; }
    Result<PutOutcome> put_conditionally(std::string_view path, ByteView bytes) override {
        TRY(allowed(may_write));
        if (condition == ConditionalPut::refused) return fail(ErrorKind::unsupported, "NotImplemented");
        if (false_conflicts-- > 0) return PutOutcome::exists;
        MemoryBody body(bytes);
        const bool racing = path.find("race") != path.npos;
        if (condition == ConditionalPut::honoured && (atomic || !racing)) return memory->put_if_absent(path, body);
        TRY(memory->put(path, body));
        return PutOutcome::created;
    }

  private:
    Result<void> allowed(bool may) const {
        if (absent) return tl::unexpected<Error>(*absent);
        return may ? Result<void>() : fail(ErrorKind::denied, "AccessDenied");
    }
};

class Probing : public testing::Test {
  protected:
    Result<ProbeReport> probed(Bucket& bucket) {
        return probe(bucket, {.random = random,
                              .now_ms = [] { return 0; },
                              .run_parallel =
                                  [](std::vector<std::function<void()>> tasks) {
                                      std::vector<std::thread> threads;
                                      for (auto& task : tasks) threads.emplace_back(std::move(task));
                                      for (std::thread& thread : threads) thread.join();
                                  },
                              .race_rounds = 3,
                              .large_bytes = 100'000});
    }
    ProbeReport report() {
        Result<ProbeReport> done = probed(server);
        EXPECT_TRUE(done) << done.error().message;
        return done.value_or(ProbeReport());
    }
    size_t left() { return server.memory->list("", "", 1000).value().objects.size(); }

    SeededRandom random;
    Server server;
};

const ProbeFinding* find(const ProbeReport& report, std::string_view what) {
    const auto found = std::find_if(report.findings.begin(), report.findings.end(),
                                    [&](const ProbeFinding& finding) { return finding.what == what; });
    return found == report.findings.end() ? nullptr : &*found;
}

Level level(const ProbeReport& report, std::string_view what) {
    const ProbeFinding* finding = find(report, what);
    EXPECT_NE(finding, nullptr) << what;
    return finding ? finding->level : Level::problem;
}

TEST_F(Probing, AGoodServerHasNothingToSay) {
    const ProbeReport found = report();
    for (const char* what : {"write", "read", "range", "list", "missing", "overwrite", "conditional_put", "race",
                             "large", "clock", "versioning", "remove"})
        EXPECT_EQ(level(found, what), Level::ok) << what;
    EXPECT_EQ(found.findings.size(), 12u);
    EXPECT_TRUE(found.usable());
    EXPECT_FALSE(found.read_only);
    EXPECT_EQ(found.conditional_put, ConditionalPut::honoured);
    EXPECT_TRUE(server.may_go_in_parts);
    EXPECT_EQ(left(), 0u);
}

TEST_F(Probing, ADirectoryAndMemoryAreGoodAndStayAsTheyWere) {
    const ScratchDirectory scratch;
    const auto directory = open_directory_bucket({.root = scratch.path() / "b", .policy = RootPolicy::create}).value();
    for (Bucket* bucket : {directory.get(), server.memory.get()}) {
        const Result<ProbeReport> found = probed(*bucket);
        ASSERT_TRUE(found) << found.error().message;
        EXPECT_TRUE(std::all_of(found->findings.begin(), found->findings.end(),
                                [](const ProbeFinding& finding) { return finding.level == Level::ok; }));
        EXPECT_EQ(level(*found, "race"), Level::ok);
        EXPECT_EQ(bucket->list_all("").value().size(), 0u);
    }
    for (const auto& entry : std::filesystem::directory_iterator(scratch.path() / "b"))
        EXPECT_EQ(entry.path().filename(), ".tmp");
}

TEST_F(Probing, ConditionsThatAreRefusedOrIgnoredAreNotedAndDoNoHarm) {
    for (const ConditionalPut condition : {ConditionalPut::refused, ConditionalPut::ignored}) {
        server.condition = condition;
        const ProbeReport found = report();
        EXPECT_EQ(level(found, "conditional_put"), Level::note);
        EXPECT_FALSE(find(found, "conditional_put")->advice.empty());
        EXPECT_EQ(find(found, "race"), nullptr);
        EXPECT_EQ(found.conditional_put, condition);
        EXPECT_TRUE(found.usable());
        EXPECT_EQ(left(), 0u);
    }
}

TEST_F(Probing, ConditionsThatHoldOnlyOneAfterTheOtherLoseTheRace) {
    server.atomic = false;
    const ProbeReport found = report();
    EXPECT_EQ(level(found, "conditional_put"), Level::ok);
    EXPECT_EQ(level(found, "race"), Level::note);
    EXPECT_NE(find(found, "race")->found.find("3 of 3 rounds"), std::string::npos) << find(found, "race")->found;
}

TEST_F(Probing, AFullPlaceNeedsRoomAndNoPermission) {
    server.is_full = true;
    const ProbeReport found = report();
    EXPECT_TRUE(found.read_only);
    EXPECT_NE(find(found, "write")->advice.find("until there is room"), std::string::npos);
}

TEST_F(Probing, ReadOnlyCredentialsAreUsableAndNamed) {
    server.may_write = server.may_remove = false;
    const ProbeReport found = report();
    EXPECT_TRUE(found.read_only);
    EXPECT_TRUE(found.usable());
    EXPECT_EQ(level(found, "write"), Level::note);
    EXPECT_EQ(level(found, "missing"), Level::ok);
    EXPECT_EQ(find(found, "remove"), nullptr);
}

TEST_F(Probing, CredentialsThatMayNotReadOrListAreAProblem) {
    server.may_list = false;
    EXPECT_EQ(level(report(), "list"), Level::problem);
    EXPECT_EQ(left(), 0u);
    server.may_list = true;
    server.may_read = false;
    const ProbeReport found = report();
    EXPECT_EQ(level(found, "read"), Level::problem);
    EXPECT_FALSE(found.usable());
    EXPECT_EQ(left(), 0u);
}

TEST_F(Probing, CredentialsThatAreNotToldWhatIsMissingAreAProblem) {
    server.tells_missing = false;
    for (const bool may_write : {true, false}) {
        server.may_write = may_write;
        const ProbeReport found = report();
        EXPECT_EQ(level(found, "missing"), Level::problem);
        EXPECT_NE(find(found, "missing")->advice.find("s3:ListBucket"), std::string::npos);
        EXPECT_FALSE(found.usable());
    }
}

TEST_F(Probing, CredentialsThatMayNothingAreAnError) {
    server.may_list = server.may_write = server.may_read = server.may_remove = false;
    EXPECT_EQ(probed(server).error(), (Error{ErrorKind::denied, "AccessDenied"}));
}

TEST_F(Probing, AMissingBucketAndAnUnreachableServerAreErrors) {
    for (const ErrorKind kind : {ErrorKind::not_found, ErrorKind::retry}) {
        server.absent = Error{kind, "not now"};
        EXPECT_EQ(probed(server).error(), *server.absent);
    }
}

TEST_F(Probing, ObjectsThatMayNotBeRemovedAreNamed) {
    server.may_remove = false;
    const ProbeReport found = report();
    EXPECT_EQ(level(found, "remove"), Level::note);
    EXPECT_TRUE(found.usable());
    const std::vector<ObjectInfo> stay = server.memory->list_all("").value();
    ASSERT_FALSE(stay.empty());
    for (const ObjectInfo& info : stay) EXPECT_TRUE(info.path.starts_with(kProbePrefix)) << info.path;
    const std::string base = stay[0].path.substr(0, kProbePrefix.size() + 16);
    EXPECT_NE(find(found, "remove")->advice.find(base), std::string::npos);
}

TEST_F(Probing, AnErrorNamesWhatStays) {
    class Interrupted : public Server {
      public:
        Result<void> put(std::string_view path, Body& body) override {
            const Result<void> done = Server::put(path, body);
            absent = Error{ErrorKind::cancelled, "stop"};
            return done;
        }
        Result<void> remove(std::string_view) override { return tl::unexpected<Error>(*absent); }
    } interrupted;
    const Result<ProbeReport> done = probed(interrupted);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().kind, ErrorKind::cancelled);
    const std::string stays = interrupted.memory->list("", "", 1)->objects[0].path;
    EXPECT_NE(done.error().message.find(stays.substr(0, kProbePrefix.size() + 16)), std::string::npos);
    EXPECT_NE(done.error().message.find("a probe in an hour removes them"), std::string::npos);
}

TEST_F(Probing, WhatEarlierProbesLeftIsRemovedAfterAnHour) {
    constexpr int64_t kNow = 1'800'000'000'000, kHour = 3'600'000;
    int64_t written_ms = kNow - kHour - 1;
    server.memory = make_memory_bucket([&] { return written_ms; });
    server.date_ms = kNow;
    const std::string old = "probe-0123456789abcdef-", young = "probe-fedcba9876543210-a";
    const std::vector<std::string> foreign{"probe-notes", "probe-0123456789abcdeg-a", "probe-0123456789abcdef",
                                           "probe-0123456789abcdef/a"};
    for (const std::string& path : foreign) ASSERT_TRUE(server.memory->put(path, as_bytes("x")));
    for (const char* name : {"a", "race-1"}) ASSERT_TRUE(server.memory->put(old + name, as_bytes("x")));
    written_ms = kNow - kHour;
    ASSERT_TRUE(server.memory->put(young, as_bytes("x")));
    const ProbeReport found = report();
    EXPECT_EQ(level(found, "leftovers"), Level::ok);
    EXPECT_EQ(find(report(), "leftovers"), nullptr) << "there is nothing to say";
    for (const char* name : {"a", "race-1"}) EXPECT_FALSE(server.memory->stat(old + name)) << name;
    for (const std::string& path : foreign) EXPECT_TRUE(server.memory->stat(path)) << path;
    EXPECT_TRUE(server.memory->stat(young)) << "its probe may be under way";
}

TEST_F(Probing, LeftoversOfUnknownAgeStay) {
    server.date_ms = 1'800'000'000'000;
    const std::string path = "probe-0123456789abcdef-a";
    ASSERT_TRUE(server.memory->put(path, as_bytes("x")));
    EXPECT_EQ(find(report(), "leftovers"), nullptr);
    EXPECT_TRUE(server.memory->stat(path));
}

TEST_F(Probing, WrongRangesAreAProblemAndALateListingIsNot) {
    server.cuts_ranges = true;
    EXPECT_EQ(level(report(), "range"), Level::problem);
    server.cuts_ranges = false;
    server.lists_late = true;
    EXPECT_EQ(level(report(), "list"), Level::note);
    server.lists_late = false;
    server.lists_old_versions = true;
    const ProbeReport found = report();
    EXPECT_EQ(level(found, "overwrite"), Level::note);
    EXPECT_TRUE(found.usable());
}

TEST_F(Probing, OneBadAnswerCondemnsNoStorage) {
    server.wrong_reads = 1;
    server.false_conflicts = 1;
    const ProbeReport found = report();
    EXPECT_EQ(level(found, "read"), Level::note);
    EXPECT_EQ(level(found, "conditional_put"), Level::ok);
    EXPECT_TRUE(found.usable());
    server.wrong_reads = server.false_conflicts = 1000;
    const ProbeReport bad = report();
    EXPECT_EQ(level(bad, "read"), Level::problem);
    EXPECT_EQ(level(bad, "conditional_put"), Level::problem);
    EXPECT_EQ(left(), 0u);
}

TEST_F(Probing, ClocksThatDifferAreNamed) {
    constexpr int64_t kMinute = 60'000;
    const auto clock = [&](int64_t offset_ms) {
        server.offset_ms = offset_ms;
        const ProbeReport found = report();
        return *find(found, "clock");
    };
    EXPECT_EQ(clock(1500).level, Level::ok);
    EXPECT_EQ(clock(59'000).level, Level::ok);
    EXPECT_EQ(clock(-2 * kMinute).level, Level::note);
    EXPECT_EQ(clock(-2 * kMinute).found, "ours is 2 min ahead of the storage's");
    EXPECT_EQ(clock(-2 * kMinute).advice.find("15 minutes"), std::string::npos);
    EXPECT_EQ(clock(20 * kMinute).found, "ours is 20 min behind the storage's");
    EXPECT_NE(clock(20 * kMinute).advice.find("15 minutes"), std::string::npos);
    EXPECT_EQ(clock(600 * kMinute).found, "ours is 10 h behind the storage's");
}

TEST_F(Probing, VersioningThatIsEnabledCostsMoney) {
    server.kept = Versioning::enabled;
    EXPECT_EQ(level(report(), "versioning"), Level::note);
    server.condition = ConditionalPut::ignored;
    EXPECT_NE(find(report(), "versioning")->advice.find("suspend"), std::string::npos);
    for (const Result<Versioning>& kept :
         {Result<Versioning>(Versioning::suspended), Result<Versioning>(fail(ErrorKind::denied, "no")),
          Result<Versioning>(fail(ErrorKind::unsupported, "no"))}) {
        server.kept = kept;
        EXPECT_EQ(level(report(), "versioning"), Level::ok);
    }
}

// Whichever call fails with something that passes by itself: the error is told, and nothing stays.
TEST_F(Probing, AnErrorOnTheWayEndsItAndLeavesNothing) {
    const auto counting = make_counting_bucket(*server.memory);
    ASSERT_TRUE(probed(*counting));
    const CallCounts all = counting->counts();
    int failed = 0;
    for (uint64_t call = 0; call < all.total(); call++) {
        const auto memory = make_memory_bucket();
        const auto faulty = make_fault_bucket(*memory, 1, {});
        class Failing : public Bucket {
          public:
            Failing(FaultBucket& faulty, uint64_t at) : faulty_(faulty), at_(at) {}
            Result<Bytes> get(std::string_view path, uint64_t max) override { return next().get(path, max); }
            Result<Bytes> get_range(std::string_view path, uint64_t offset, uint64_t length) override {
                return next().get_range(path, offset, length);
            }
            Result<PutOutcome> put_if_absent(std::string_view path, Body& body) override {
                return next().put_if_absent(path, body);
            }
            Result<void> put(std::string_view path, Body& body) override { return next().put(path, body); }
            Result<ListPage> list(std::string_view prefix, std::string_view after, size_t limit) override {
                return next().list(prefix, after, limit);
            }
            Result<void> remove(std::string_view path) override { return faulty_.remove(path); }
            Result<ObjectInfo> stat(std::string_view path) override { return next().stat(path); }
            std::string describe() const override { return "failing"; }

          private:
            FaultBucket& next() {
                const std::lock_guard lock(mutex_);
                if (calls_++ == at_) faulty_.fail_next(Error{ErrorKind::cancelled, "stop"}, 1);
                return faulty_;
            }
            FaultBucket& faulty_;
            const uint64_t at_;
            std::mutex mutex_;
            uint64_t calls_ = 0;
        } failing(*faulty, call);
        const Result<ProbeReport> done = probed(failing);
        failed += done ? 0 : 1;
        EXPECT_EQ(done ? "stop" : done.error().message, "stop") << call;
        EXPECT_EQ(memory->list_all("").value().size(), 0u) << call;
    }
    EXPECT_GT(failed, 20);
}

TEST(AccessPolicy, IsFilledWithBucketAndPrefix) {
    const S3Place whole{.bucket = "music", .prefix = "", .endpoint = "", .region = "", .style = S3Place::Style::path};
    const std::string all = least_access_policy(whole);
    EXPECT_NE(all.find("\"arn:aws:s3:::music/*\""), std::string::npos);
    S3Place part = whole;
    part.prefix = "a/b";
    const std::string some = least_access_policy(part);
    EXPECT_NE(some.find("\"arn:aws:s3:::music/a/b/*\""), std::string::npos);
    EXPECT_EQ(some.find("music/*"), std::string::npos);
}

}  // namespace
}  // namespace bae::s3
