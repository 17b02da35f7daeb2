#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <thread>

#include "s3/directory_bucket.h"
#include "s3/directory_files.h"
#include "s3/scratch_directory.h"

namespace bae::s3 {
namespace {

namespace fs = std::filesystem;

class Directory : public testing::Test {
  protected:
    std::unique_ptr<Bucket> open(RootPolicy policy = RootPolicy::create, Durability durability = Durability::synced) {
        FileCalls calls = system_file_calls();
        calls.fsync = [this, real = calls.fsync](int fd) {
            fsyncs++;
            return real(fd);
        };
        if (no_links) calls.link = [](int, const char*, int, const char*) { return EPERM; };
        if (no_renames) calls.rename_if_absent = [](int, const char*, int, const char*) { return EINVAL; };
        auto opened = open_directory_bucket({root, policy, durability}, std::move(calls));
        EXPECT_TRUE(opened) << opened.error().message;
        return std::move(*opened);
    }
    void write_file(const fs::path& path, std::string_view text) {
        fs::create_directories(path.parent_path());
        std::ofstream(path) << text;
    }
    size_t temporaries() const {
        return static_cast<size_t>(std::distance(fs::directory_iterator(root / ".tmp"), fs::directory_iterator()));
    }
    static void age(const fs::path& path, std::chrono::hours hours) {
        fs::last_write_time(path, fs::file_time_type::clock::now() - hours);
    }
    static std::string listed(Bucket& bucket) {
        const auto objects = bucket.list_all("");
        if (!objects) return objects.error().message;
        std::string out;
        for (const ObjectInfo& object : *objects) out += object.path + ' ';
        return out;
    }

    ScratchDirectory scratch;
    fs::path root = scratch.path() / "some" / "bucket";
    std::atomic<int> fsyncs = 0;
    bool no_links = false;
    bool no_renames = false;
};

Bytes text(std::string_view t) { return to_bytes(as_bytes(t)); }

TEST_F(Directory, CreateMakesTheRootAndItsParents) {
    const auto bucket = open();
    EXPECT_TRUE(fs::is_directory(root));
    EXPECT_EQ(bucket->describe(), "directory " + root.string());
    EXPECT_EQ(fsyncs, 2) << "one for the parent of each new directory";
}

TEST_F(Directory, MissingRootIsRetryUntilItIsThere) {
    const auto bucket = open(RootPolicy::must_exist);
    const auto check = [&](const Error& error) {
        EXPECT_EQ(error.kind, ErrorKind::retry);
        EXPECT_NE(error.message.find("is the disk mounted?"), std::string::npos) << error.message;
        EXPECT_NE(error.message.find(root.string()), std::string::npos) << error.message;
    };
    check(bucket->get("a", 1).error());
    check(bucket->get_range("a", 0, 1).error());
    check(bucket->stat("a").error());
    check(bucket->list("", "", 1).error());
    check(bucket->put("a", text("x")).error());
    check(bucket->put_if_absent("a", text("x")).error());
    check(bucket->remove("a").error());
    EXPECT_FALSE(fs::exists(root));
    fs::create_directories(root);
    EXPECT_TRUE(bucket->put_if_absent("a", text("x")));
}

TEST_F(Directory, RootThatVanishesIsNoticedAndNotMadeAgain) {
    const auto bucket = open(RootPolicy::create);
    ASSERT_TRUE(bucket->put("a/b", text("x")));
    fs::rename(root, root.parent_path() / "away");
    EXPECT_EQ(bucket->list_all("").error().kind, ErrorKind::retry);
    EXPECT_EQ(bucket->put("a/b", text("y")).error().kind, ErrorKind::retry);
    EXPECT_FALSE(fs::exists(root));
    fs::rename(root.parent_path() / "away", root);
    EXPECT_EQ(listed(*bucket), "a/b ");
}

TEST_F(Directory, RootThatIsAFileIsInvalid) {
    write_file(root, "a file");
    for (const RootPolicy policy : {RootPolicy::create, RootPolicy::must_exist}) {
        const auto opened = open_directory_bucket({root, policy, Durability::synced});
        ASSERT_FALSE(opened);
        EXPECT_EQ(opened.error().kind, ErrorKind::invalid_input) << opened.error().message;
    }
    const auto below = open_directory_bucket({root / "below", RootPolicy::create, Durability::synced});
    EXPECT_EQ(below.error().kind, ErrorKind::invalid_input) << below.error().message;
    EXPECT_EQ(open_directory_bucket({{}, RootPolicy::create, Durability::synced}).error().kind,
              ErrorKind::invalid_input);
}

TEST_F(Directory, RootMayBeReachedThroughASymbolicLink) {
    fs::create_directories(scratch.path() / "disk");
    fs::create_directory_symlink(scratch.path() / "disk", scratch.path() / "link");
    root = scratch.path() / "link";
    const auto bucket = open();
    ASSERT_TRUE(bucket->put("a", text("x")));
    EXPECT_TRUE(fs::exists(scratch.path() / "disk" / "a"));
}

TEST_F(Directory, PutCostsTwoFsyncsInAnExistingDirectory) {
    const auto bucket = open();
    ASSERT_TRUE(bucket->put("a/first", text("x")));
    const auto cost = [&](auto call) {
        fsyncs = 0;
        EXPECT_TRUE(call());
        return fsyncs.load();
    };
    EXPECT_EQ(cost([&] { return bucket->put_if_absent("a/second", text("x")); }), 2);
    EXPECT_EQ(cost([&] { return bucket->put("a/third", text("x")); }), 2);
    EXPECT_EQ(cost([&] { return bucket->put("a/third", text("y")); }), 2);
    EXPECT_EQ(cost([&] { return bucket->put_if_absent("a/third", text("x")); }), 1)
        << "its creator may have died before it";
    EXPECT_EQ(cost([&] { return bucket->put("new/er/third", text("x")); }), 4) << "two directories are new";
    EXPECT_EQ(cost([&] { return bucket->get("a/third", 10); }), 0);
}

TEST_F(Directory, UnsyncedWritesFsyncNewDirectoriesOnly) {
    const auto bucket = open(RootPolicy::create, Durability::unsynced);
    ASSERT_TRUE(bucket->put_if_absent("a/b", text("x")));
    EXPECT_EQ(fsyncs, 1) << "a synced write may come to stand in it";
    ASSERT_TRUE(bucket->put_if_absent("a/b", text("x")));
    ASSERT_TRUE(bucket->put("a/c", text("x")));
    EXPECT_EQ(fsyncs, 1);
}

TEST_F(Directory, FailedFsyncFailsThePutAndLeavesNoObject) {
    open();
    FileCalls calls = system_file_calls();
    calls.fsync = [](int) { return EIO; };
    const auto bucket = *open_directory_bucket({root, RootPolicy::must_exist, Durability::synced}, std::move(calls));
    EXPECT_EQ(bucket->put_if_absent("a", text("x")).error().kind, ErrorKind::retry);
    EXPECT_EQ(bucket->put("a", text("x")).error().kind, ErrorKind::retry);
    EXPECT_EQ(listed(*bucket), "");
    EXPECT_EQ(temporaries(), 0U);
}

TEST_F(Directory, NoTemporariesStayBehind) {
    const auto bucket = open();
    ASSERT_TRUE(bucket->put("a/b", text("x")));
    ASSERT_TRUE(bucket->put_if_absent("a/b", text("x")));
    ASSERT_TRUE(bucket->put_if_absent("a/c", text("x")));
    EXPECT_EQ(bucket->put("a", text("x")).error().kind, ErrorKind::conflict);
    EXPECT_EQ(temporaries(), 0U);
}

TEST_F(Directory, StaleTemporariesAreRemovedWhenItIsOpenedWithCreate) {
    write_file(root / ".tmp" / "old", "x");
    write_file(root / ".tmp" / "new", "x");
    age(root / ".tmp" / "old", std::chrono::hours(25));
    age(root / ".tmp" / "new", std::chrono::hours(23));
    open(RootPolicy::must_exist);
    EXPECT_EQ(temporaries(), 2U);
    open(RootPolicy::create);
    EXPECT_EQ(temporaries(), 1U);
    EXPECT_TRUE(fs::exists(root / ".tmp" / "new"));
}

TEST_F(Directory, ForeignFilesAreNeitherListedNorInTheWay) {
    const auto bucket = open();
    for (const char* name :
         {".DS_Store", "Thumbs.db", "a b", "new\nline", "\xff\xfe", "\xc3\xa4", ".nfs0001", "UPPER/a", "x/.hidden/a"})
        write_file(root / name, "foreign");
    ASSERT_EQ(::mkfifo((root / "pipe").c_str(), 0600), 0);
    fs::create_symlink("/etc/passwd", root / "link");
    fs::create_directory_symlink("/etc", root / "etc");
    ASSERT_TRUE(bucket->put("x/object", text("x")));
    EXPECT_EQ(listed(*bucket), "x/object ");
    EXPECT_EQ(bucket->list("x/", "", 1)->truncated, false);
}

TEST_F(Directory, WhatIsNoRegularFileIsNotFoundToReaders) {
    const auto bucket = open();
    ASSERT_EQ(::mkfifo((root / "pipe").c_str(), 0600), 0);
    fs::create_symlink("/etc/passwd", root / "link");
    fs::create_directory_symlink("/etc", root / "etc");
    for (const char* path : {"pipe", "link", "etc", "etc/passwd"}) {
        EXPECT_EQ(bucket->get(path, 1 << 20).error().kind, ErrorKind::not_found) << path;
        EXPECT_EQ(bucket->get_range(path, 0, 1).error().kind, ErrorKind::not_found) << path;
        EXPECT_EQ(bucket->stat(path).error().kind, ErrorKind::not_found) << path;
    }
}

TEST_F(Directory, SymbolicLinksAreNotFollowedByWrites) {
    const auto bucket = open();
    const fs::path outside = scratch.path() / "outside";
    write_file(outside / "file", "mine");
    fs::create_symlink(outside / "file", root / "file");
    fs::create_symlink(outside / "dangling", root / "dangling");
    fs::create_directory_symlink(outside, root / "dir");
    EXPECT_EQ(bucket->put("dir/new", text("x")).error().kind, ErrorKind::conflict);
    EXPECT_EQ(bucket->put_if_absent("dir/new", text("x")).error().kind, ErrorKind::conflict);
    EXPECT_EQ(bucket->put_if_absent("file", text("x")).error().kind, ErrorKind::conflict);
    EXPECT_EQ(bucket->put_if_absent("dangling", text("x")).error().kind, ErrorKind::conflict);
    ASSERT_TRUE(bucket->remove("dir/file"));
    ASSERT_TRUE(bucket->put("file", text("theirs"))) << "replaces the link, not what it points to";
    EXPECT_FALSE(fs::exists(outside / "new"));
    EXPECT_FALSE(fs::exists(outside / "dangling"));
    EXPECT_EQ(fs::file_size(outside / "file"), 4U);
    fs::remove_all(root / ".tmp");
    fs::create_directory_symlink(outside, root / ".tmp");
    EXPECT_EQ(bucket->put("a", text("x")).error().kind, ErrorKind::conflict);
}

class NoHardLinks : public Directory, public testing::WithParamInterface<bool> {
  protected:
    void SetUp() override {
        no_links = true;
        no_renames = GetParam();
    }
};

TEST_P(NoHardLinks, PutIfAbsentCreatesOnceAndLeavesNothingElse) {
    const auto bucket = open();
    EXPECT_EQ(*bucket->put_if_absent("a/b", text("one")), PutOutcome::created);
    EXPECT_EQ(*bucket->put_if_absent("a/b", text("two")), PutOutcome::exists);
    EXPECT_EQ(*bucket->get("a/b", 10), text("one"));
    EXPECT_EQ(temporaries(), 0U);
    fsyncs = 0;
    EXPECT_EQ(*bucket->put_if_absent("a/c", text("one")), PutOutcome::created);
    EXPECT_EQ(fsyncs, 2);
}

TEST_P(NoHardLinks, OfRacingThreadsOneCreates) {
    const auto bucket = open();
    constexpr int kRounds = 200;
    std::atomic<int> created = 0;
    std::atomic<int> wrong = 0;
    const auto race = [&](char letter) {
        for (int round = 0; round < kRounds; round++) {
            Result<PutOutcome> outcome = fail(ErrorKind::retry, "not tried");
            while (!outcome && outcome.error().kind == ErrorKind::retry)
                outcome = bucket->put_if_absent(std::to_string(round), text(std::string(3000, letter)));
            if (!outcome)
                wrong++;
            else if (*outcome == PutOutcome::created)
                created++;
            const auto bytes = bucket->get(std::to_string(round), 3000);
            if (!bytes || bytes->size() != 3000 || bytes->front() != bytes->back()) wrong++;
        }
    };
    std::thread a(race, 'a');
    std::thread b(race, 'b');
    a.join();
    b.join();
    EXPECT_EQ(created, kRounds);
    EXPECT_EQ(wrong, 0);
    EXPECT_EQ(temporaries(), 0U);
}

INSTANTIATE_TEST_SUITE_P(Fallback, NoHardLinks, testing::Bool(),
                         [](const auto& tested) { return tested.param ? "LockFile" : "RenameIfAbsent"; });

TEST_F(Directory, LockOfALivingWriterIsRetryAndOfADeadOneIsBroken) {
    no_links = no_renames = true;
    const auto bucket = open();
    ASSERT_TRUE(bucket->put_if_absent("b", text("x")));
    const std::string lock = "lock-af63dc4c8601ec8c";  // FNV-1a of "a"
    write_file(root / ".tmp" / lock, "");
    const auto held = bucket->put_if_absent("a", text("x"));
    ASSERT_FALSE(held);
    EXPECT_EQ(held.error().kind, ErrorKind::retry);
    EXPECT_EQ(listed(*bucket), "b ");
    age(root / ".tmp" / lock, std::chrono::hours(1));
    EXPECT_EQ(*bucket->put_if_absent("a", text("x")), PutOutcome::created);
    EXPECT_EQ(temporaries(), 0U);
}

TEST_F(Directory, ErrorOfTheLinkItselfIsReported) {
    open();
    for (const auto& [error, kind] : {std::pair{EXDEV, ErrorKind::unsupported},
                                      {ENOENT, ErrorKind::retry},
                                      {ENOSPC, ErrorKind::retry},
                                      {EROFS, ErrorKind::denied},
                                      {EACCES, ErrorKind::denied}}) {
        FileCalls calls = system_file_calls();
        calls.link = [error = error](int, const char*, int, const char*) { return error; };
        const auto bucket =
            *open_directory_bucket({root, RootPolicy::must_exist, Durability::synced}, std::move(calls));
        const auto outcome = bucket->put_if_absent("a", text("x"));
        ASSERT_FALSE(outcome);
        EXPECT_EQ(outcome.error().kind, kind) << outcome.error().message;
        EXPECT_EQ(temporaries(), 0U);
    }
}

// Another writer gets between the first look and the link.
TEST_F(Directory, CreatorThatComesSecondAtTheLastMomentIsToldExists) {
    open();
    FileCalls calls = system_file_calls();
    calls.link = [&, real = calls.link](int from_dir, const char* from, int to_dir, const char* to) {
        write_file(root / "a", "theirs");
        return real(from_dir, from, to_dir, to);
    };
    const auto bucket = *open_directory_bucket({root, RootPolicy::must_exist, Durability::synced}, std::move(calls));
    EXPECT_EQ(*bucket->put_if_absent("a", text("mine")), PutOutcome::exists);
    EXPECT_EQ(*bucket->get("a", 10), text("theirs"));
    EXPECT_EQ(temporaries(), 0U);
}

}  // namespace
}  // namespace bae::s3
