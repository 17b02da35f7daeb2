#include "s3/directory_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace bae::s3 {

static constexpr int kDirectoryFlags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;

Descriptor::~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
}

static int outcome(int returned) { return returned == 0 ? 0 : errno; }

FileCalls system_file_calls() {
    return {
        [](int from_dir, const char* from, int to_dir, const char* to) {
            return outcome(::linkat(from_dir, from, to_dir, to, 0));
        },
        [](int from_dir, const char* from, int to_dir, const char* to) {
            return outcome(::renameat2(from_dir, from, to_dir, to, RENAME_NOREPLACE));
        },
        [](int fd) { return outcome(::fsync(fd)); },
    };
}

Result<void> sync_directory(const FileCalls& calls, int directory, std::string_view name) {
    const int error = calls.fsync(directory);
    if (error != 0 && error != EINVAL)
        return tl::unexpected(errno_error(error, "cannot flush directory " + std::string(name)));
    return {};
}

static Error root_error(int error, const std::filesystem::path& root) {
    const std::string name = "directory " + root.string();
    if (error == ENOENT) return {ErrorKind::retry, name + " is not reachable (is the disk mounted?)"};
    if (error == ENOTDIR) return {ErrorKind::invalid_input, root.string() + " is not a directory (name one that is)"};
    return errno_error(error, name);
}

Result<Descriptor> open_root(const std::filesystem::path& root) {
    Descriptor opened(::open(root.c_str(), kDirectoryFlags));
    if (!opened) return tl::unexpected(root_error(errno, root));
    return opened;
}

static Result<void> make_root_step(const std::filesystem::path& step, const DirectoryOptions& options,
                                   const FileCalls& calls) {
    if (::mkdir(step.c_str(), 0777) != 0) {
        const int error = errno;
        // Above an existing directory mkdir may fail for other reasons than that it exists (read-only mounts).
        if (error == EEXIST || ::access(step.c_str(), F_OK) == 0) return {};
        if (error == ENOTDIR) return tl::unexpected(root_error(error, step));
        return tl::unexpected(errno_error(error, "cannot make directory " + step.string()));
    }
    if (options.durability == Durability::unsynced) return {};
    const Descriptor parent = TRY(open_root(step.parent_path()));
    return sync_directory(calls, parent.get(), step.parent_path().string());
}

Result<void> make_root(const DirectoryOptions& options, const FileCalls& calls) {
    std::filesystem::path step;
    for (const auto& part : options.root) {
        step /= part;
        if (step != options.root.root_path()) TRY(make_root_step(step, options, calls));
    }
    return {};
}

static bool is_foreign(int error) { return error == ENOTDIR || error == ELOOP; }

Result<Descriptor> open_directory(int parent, const std::string& name) {
    Descriptor opened(::openat(parent, name.c_str(), kDirectoryFlags | O_NOFOLLOW));
    if (opened) return opened;
    if (errno == ENOENT || is_foreign(errno)) return fail(ErrorKind::not_found, "there is no directory " + name);
    return tl::unexpected(errno_error(errno, "cannot open directory " + name));
}

Result<Descriptor> open_or_make_directory(int parent, const std::string& name, bool& made) {
    Descriptor opened(::openat(parent, name.c_str(), kDirectoryFlags | O_NOFOLLOW));
    made = false;
    if (!opened && errno == ENOENT) {
        made = ::mkdirat(parent, name.c_str(), 0777) == 0;
        if (!made && errno != EEXIST) return tl::unexpected(errno_error(errno, "cannot make directory " + name));
        opened = Descriptor(::openat(parent, name.c_str(), kDirectoryFlags | O_NOFOLLOW));
    }
    if (opened) return opened;
    if (errno == ENOENT) return fail(ErrorKind::retry, "directory " + name + " was removed meanwhile");
    if (is_foreign(errno))
        return fail(ErrorKind::conflict, name + " stands where a directory should be (move it out of the way)");
    return tl::unexpected(errno_error(errno, "cannot open directory " + name));
}

// A second descriptor of the root, so that a place owns its directory wherever it lies.
static Result<Descriptor> start_at(int root) {
    Descriptor start(::openat(root, ".", kDirectoryFlags));
    if (!start) return tl::unexpected(errno_error(errno, "cannot open the bucket's directory"));
    return start;
}

Result<Place> find_place(int root, std::string_view path) {
    Place place{TRY(start_at(root)), {}};
    size_t slash;
    for (; (slash = path.find('/')) != std::string_view::npos; path.remove_prefix(slash + 1))
        place.directory = TRY(open_directory(place.directory.get(), std::string(path.substr(0, slash))));
    place.name = path;
    return place;
}

// New directories are synced also for writes that are not: a write that is may find them made already.
Result<Place> make_place(int root, std::string_view path, const FileCalls& calls) {
    Place place{TRY(start_at(root)), {}};
    size_t slash;
    for (; (slash = path.find('/')) != std::string_view::npos; path.remove_prefix(slash + 1)) {
        const std::string name(path.substr(0, slash));
        bool made = false;
        Descriptor next = TRY(open_or_make_directory(place.directory.get(), name, made));
        if (made) TRY(sync_directory(calls, place.directory.get(), "above " + name));
        place.directory = std::move(next);
    }
    place.name = path;
    return place;
}

Result<struct stat> object_status(const Place& place, std::string_view path) {
    struct stat status {};
    const bool found = ::fstatat(place.directory.get(), place.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
    if (!found && errno != ENOENT) return tl::unexpected(errno_error(errno, path));
    if (!found || !S_ISREG(status.st_mode))
        return fail(ErrorKind::not_found, std::string(path) + " is not in the bucket");
    return status;
}

Result<bool> is_taken(const Place& place, std::string_view path) {
    struct stat status {};
    if (::fstatat(place.directory.get(), place.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT) return false;
        return tl::unexpected(errno_error(errno, path));
    }
    if (S_ISREG(status.st_mode)) return true;
    return fail(ErrorKind::conflict,
                "something that is not a file stands at " + std::string(path) + " (move it out of the way)");
}

ObjectInfo object_info(std::string path, const struct stat& status) {
    char version[80];
    std::snprintf(version, sizeof version, "%lld-%lld%09ld-%llu", static_cast<long long>(status.st_size),
                  static_cast<long long>(status.st_mtim.tv_sec), status.st_mtim.tv_nsec,
                  static_cast<unsigned long long>(status.st_ino));
    return {std::move(path), static_cast<uint64_t>(status.st_size), version,
            static_cast<int64_t>(status.st_mtim.tv_sec) * 1000 + status.st_mtim.tv_nsec / 1'000'000};
}

}  // namespace bae::s3
