#pragma once
// Private to the directory bucket: descriptors, and the way from the root to an object without following symbolic
// links. Every function takes the root's descriptor, opened anew for each call of the bucket, so that all steps of one
// call happen on one disk even if another is mounted over it meanwhile.
#include <sys/stat.h>

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "s3/bucket.h"
#include "s3/directory_bucket.h"

namespace bae::s3 {

class Descriptor {
  public:
    explicit Descriptor(int fd = -1) : fd_(fd) {}
    ~Descriptor();
    Descriptor(Descriptor&& other) noexcept : fd_(other.release()) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    int get() const { return fd_; }
    int release() { return std::exchange(fd_, -1); }
    explicit operator bool() const { return fd_ >= 0; }

  private:
    int fd_;
};

// The system calls that not every file system has, or that cost, as a seam for tests. Each returns 0 or an errno.
struct FileCalls {
    using TwoNames = std::function<int(int from_dir, const char* from, int to_dir, const char* to)>;
    TwoNames link;              // EEXIST if `to` exists
    TwoNames rename_if_absent;  // the same; renameat2(RENAME_NOREPLACE)
    std::function<int(int fd)> fsync;
};
FileCalls system_file_calls();
Result<std::unique_ptr<Bucket>> open_directory_bucket(DirectoryOptions options, FileCalls calls);

// fsync of a directory; file systems that cannot (EINVAL) are taken to need none.
Result<void> sync_directory(const FileCalls& calls, int directory, std::string_view name);

Result<void> make_root(const DirectoryOptions& options, const FileCalls& calls);
Result<Descriptor> open_root(const std::filesystem::path& root);  // retry if it is missing
// A directory inside another; not_found also if something else has that name, or a symbolic link.
Result<Descriptor> open_directory(int parent, const std::string& name);
Result<Descriptor> open_or_make_directory(int parent, const std::string& name, bool& made);

// An object's directory and its name there.
struct Place {
    Descriptor directory;
    std::string name;
};
Result<Place> find_place(int root, std::string_view path);  // not_found if a directory is missing
Result<Place> make_place(int root, std::string_view path, const FileCalls& calls);
// The object at the place: not_found unless it is a regular file.
Result<struct stat> object_status(const Place& place, std::string_view path);
// For writes: whether an object stands there; conflict if it is anything but a regular file.
Result<bool> is_taken(const Place& place, std::string_view path);

ObjectInfo object_info(std::string path, const struct stat& status);
Result<ListPage> list_directory(int root, std::string_view prefix, std::string_view after, size_t limit);

}  // namespace bae::s3
