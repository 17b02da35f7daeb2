// Disks that are full, read-only or not there: real ones, tmpfs mounted in a mount namespace of the test's own, so that
// nothing of it is seen outside. Permission bits would not do, since they do not bind root.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "s3/directory_bucket.h"
#include "s3/scratch_directory.h"

namespace bae::s3 {
namespace {

namespace fs = std::filesystem;
constexpr int kPassed = 0;
constexpr int kFailed = 1;
constexpr int kNoNamespace = 2;

bool write_text(const char* path, const std::string& text) {
    const int fd = ::open(path, O_WRONLY | O_CLOEXEC);
    const bool written = fd >= 0 && ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    if (fd >= 0) ::close(fd);
    return written;
}

bool enter_namespace() {
    const std::string uid = std::to_string(::geteuid());
    if (::unshare(CLONE_NEWNS) != 0) {
        // Without privileges: root of a user namespace of our own, who may mount tmpfs.
        if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
        if (!write_text("/proc/self/uid_map", "0 " + uid + " 1")) return false;
    }
    return ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
}

class Mount : public testing::Test {
  protected:
    // Runs `body` in a process with its own mounts.
    template <class Work>
    void isolated(Work body) {
        std::fflush(nullptr);  // or the child prints it again
        const pid_t pid = ::fork();
        if (pid == 0) {
            if (!enter_namespace()) ::_exit(kNoNamespace);
            body();
            std::fflush(nullptr);
            ::_exit(HasFailure() ? kFailed : kPassed);
        }
        int status = 0;
        ::waitpid(pid, &status, 0);
        const int code = WIFEXITED(status) ? WEXITSTATUS(status) : kFailed;
        if (code == kNoNamespace) GTEST_SKIP() << "this machine lets us have no mount namespace";
        EXPECT_EQ(code, kPassed);
    }
    void mount_disk(const fs::path& where, unsigned long flags = 0) {
        ASSERT_EQ(::mount("tmpfs", where.c_str(), "tmpfs", flags, "size=1m"), 0) << std::strerror(errno);
    }
    std::unique_ptr<Bucket> open(const fs::path& root, RootPolicy policy = RootPolicy::must_exist) {
        auto opened = open_directory_bucket({root, policy, Durability::synced});
        EXPECT_TRUE(opened) << opened.error().message;
        return std::move(*opened);
    }

    ScratchDirectory scratch;
    fs::path disk = scratch.path();
};

TEST_F(Mount, FullDiskIsRetryWithARemedyAndLosesNothing) {
    isolated([&] {
        mount_disk(disk);
        const auto bucket = open(disk);
        const Bytes big(400 * 1024, std::byte{7});
        ASSERT_TRUE(bucket->put_if_absent("a", big));
        ASSERT_TRUE(bucket->put_if_absent("b", big));
        for (const auto& error : {bucket->put_if_absent("c", big).error(), bucket->put("a", big).error()}) {
            EXPECT_EQ(error.kind, ErrorKind::retry);
            EXPECT_NE(error.message.find("free some space"), std::string::npos) << error.message;
        }
        EXPECT_EQ(bucket->list_all("")->size(), 2U);
        EXPECT_EQ(*bucket->get("a", big.size()), big);
        EXPECT_TRUE(fs::is_empty(disk / ".tmp")) << "the space is given back";
        ASSERT_TRUE(bucket->remove("b"));
        EXPECT_TRUE(bucket->put_if_absent("c", big));
    });
}

TEST_F(Mount, ReadOnlyDiskIsDeniedForWritesAndCanBeRead) {
    isolated([&] {
        mount_disk(disk);
        ASSERT_TRUE(open(disk)->put("a/b", as_bytes("x")));
        ASSERT_EQ(::mount(nullptr, disk.c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr), 0);
        const auto bucket = open(disk, RootPolicy::create);
        for (const auto& error :
             {bucket->put("a/b", as_bytes("y")).error(), bucket->put("new/b", as_bytes("y")).error(),
              bucket->put_if_absent("a/c", as_bytes("y")).error(), bucket->remove("a/b").error()}) {
            EXPECT_EQ(error.kind, ErrorKind::denied);
            EXPECT_NE(error.message.find("mount it writable"), std::string::npos) << error.message;
        }
        EXPECT_EQ(*bucket->put_if_absent("a/b", as_bytes("y")), PutOutcome::exists);
        EXPECT_EQ(as_text(*bucket->get("a/b", 10)), "x");
        const auto below = open_directory_bucket({disk / "new" / "bucket", RootPolicy::create, Durability::synced});
        ASSERT_FALSE(below);
        EXPECT_EQ(below.error().kind, ErrorKind::denied) << below.error().message;
    });
}

TEST_F(Mount, UnmountedDiskIsRetryAndComesBackWithItsObjects) {
    isolated([&] {
        mount_disk(disk);
        fs::create_directories(disk / "bae");
        const auto bucket = open(disk / "bae");
        ASSERT_TRUE(bucket->put("a", as_bytes("x")));
        const fs::path aside = scratch.path().string() + "-aside";
        fs::create_directory(aside);
        ASSERT_EQ(::mount(disk.c_str(), aside.c_str(), nullptr, MS_BIND, nullptr), 0);
        ASSERT_EQ(::umount(disk.c_str()), 0);
        EXPECT_EQ(bucket->list_all("").error().kind, ErrorKind::retry);
        EXPECT_EQ(bucket->put_if_absent("b", as_bytes("x")).error().kind, ErrorKind::retry);
        ASSERT_EQ(::mount(aside.c_str(), disk.c_str(), nullptr, MS_BIND, nullptr), 0);
        EXPECT_EQ(bucket->list_all("")->size(), 1U);
        ASSERT_EQ(::umount(aside.c_str()), 0);
        fs::remove(aside);
    });
}

TEST_F(Mount, FileSystemMountedInsideTheBucketIsUnsupported) {
    isolated([&] {
        fs::create_directories(disk / "storage");
        mount_disk(disk / "storage");
        const auto bucket = open(disk);
        EXPECT_EQ(bucket->put_if_absent("storage/a", as_bytes("x")).error().kind, ErrorKind::unsupported);
        EXPECT_EQ(bucket->put("storage/a", as_bytes("x")).error().kind, ErrorKind::unsupported);
        EXPECT_TRUE(bucket->put("other/a", as_bytes("x")));
        EXPECT_TRUE(fs::is_empty(disk / ".tmp"));
    });
}

}  // namespace
}  // namespace bae::s3
