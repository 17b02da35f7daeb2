#include "node/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "node/output/escape.h"

namespace bae::node {
namespace fs = std::filesystem;

static tl::unexpected<Error> failure_at(const fs::path& path, int error) {
    return tl::unexpected<Error>(errno_error(error, shown(path.native())));
}

std::optional<uint64_t> free_bytes(const fs::path& path) {
    struct statvfs info {};
    if (statvfs(path.c_str(), &info) != 0) return std::nullopt;
    return uint64_t{info.f_bavail} * info.f_frsize;
}

bool file_exists(const fs::path& path) {
    struct stat info {};
    return lstat(path.c_str(), &info) == 0;
}

Result<std::string> read_small_file(const fs::path& path, size_t max_bytes) {
    const File file = TRY(File::open_to_read(path));
    std::string text(static_cast<size_t>(std::min<uint64_t>(TRY(file.size()), max_bytes)) + 1, '\0');
    const size_t size = TRY(file.read(0, std::as_writable_bytes(std::span(text))));
    if (size == text.size()) {
        return fail(ErrorKind::invalid_input, fmt::format("{}: larger than {} bytes", shown(path.native()), max_bytes));
    }
    text.resize(size);
    return text;
}

static Result<void> write_and_rename(const fs::path& temporary, const fs::path& path, ByteView bytes, unsigned mode) {
    File file = TRY(File::open_to_append(temporary));
    if (chmod(temporary.c_str(), mode) != 0) return failure_at(temporary, errno);
    TRY(file.write(0, bytes));
    TRY(file.sync());
    TRY(rename_file(temporary, path));
    return sync_directory(path.parent_path());
}

Result<void> write_file_durably(const fs::path& path, ByteView bytes, unsigned mode) {
    std::string temporary = path.native() + ".new-XXXXXX";
    const int made = mkostemp(temporary.data(), O_CLOEXEC);
    if (made < 0) return failure_at(path, errno);
    close(made);
    const Result<void> written = write_and_rename(temporary, path, bytes, mode);
    if (!written) unlink(temporary.c_str());
    return written;
}

Result<void> copy_private_file(const fs::path& from, const fs::path& to) {
    std::error_code failed;
    fs::copy_file(from, to, failed);
    if (failed) return failure_at(to, failed.value());
    if (chmod(to.c_str(), 0600) != 0) return failure_at(to, errno);
    return {};
}

// What is stored in a new directory is only as safe as the directory's own name.
static Result<void> sync_parent(const fs::path& path) {
    return sync_directory(path.has_parent_path() ? path.parent_path() : fs::path("."));
}

Result<void> make_directories(const fs::path& path, unsigned mode) {
    if (path.empty() || path == path.root_path()) return {};
    if (mkdir(path.c_str(), mode) == 0) return sync_parent(path);
    if (errno == ENOENT) {
        TRY(make_directories(path.parent_path(), mode));
        if (mkdir(path.c_str(), mode) == 0) return sync_parent(path);
    }
    const int error = errno;
    std::error_code ignored;
    if (fs::is_directory(path, ignored)) return {};
    if (error == EEXIST) {
        return fail(ErrorKind::invalid_input,
                    fmt::format("{}: there is a file where a directory is needed", shown(path.native())));
    }
    return failure_at(path, error);
}

Result<void> rename_file(const fs::path& from, const fs::path& to) {
    if (::rename(from.c_str(), to.c_str()) != 0) return failure_at(to, errno);
    return {};
}

Result<bool> rename_if_free(const fs::path& from, const fs::path& to) {
    if (renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return true;
    if (errno == EEXIST) return false;
    if (errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP) return failure_at(to, errno);
    return link_if_free(from, to);
}

Result<bool> link_if_free(const fs::path& from, const fs::path& to) {
    if (linkat(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), 0) == 0) {
        if (unlink(from.c_str()) != 0) return failure_at(from, errno);
        return true;
    }
    if (errno == EEXIST) return false;
    if (errno != EPERM && errno != ENOSYS && errno != EOPNOTSUPP && errno != EMLINK) return failure_at(to, errno);
    return reserve_and_rename(from, to);
}

// A crash between the two leaves an empty file of that name.
Result<bool> reserve_and_rename(const fs::path& from, const fs::path& to) {
    const int reserved = ::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (reserved < 0 && errno == EEXIST) return false;
    if (reserved < 0) return failure_at(to, errno);
    close(reserved);
    TRY(rename_file(from, to));
    return true;
}

Result<void> sync_directory(const fs::path& path) {
    const int descriptor = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return failure_at(path, errno);
    const int error = fsync(descriptor) == 0 ? 0 : errno;
    close(descriptor);
    if (error != 0) return failure_at(path, error);
    return {};
}

Result<void> sync_file_system(const fs::path& path) {
    const int descriptor = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return failure_at(path, errno);
    const int error = syncfs(descriptor) == 0 ? 0 : errno;
    close(descriptor);
    if (error != 0) return failure_at(path, error);
    return {};
}

Result<File> File::open_to_read(const fs::path& path) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return failure_at(path, errno);
    return File(descriptor, path);
}

Result<File> File::open_to_append(const fs::path& path, unsigned mode) {
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, mode);
    if (descriptor < 0) return failure_at(path, errno);
    return File(descriptor, path);
}

File::~File() {
    if (descriptor_ >= 0) close(descriptor_);
}

File::File(File&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)), path_(std::move(other.path_)) {}

File& File::operator=(File&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    std::swap(path_, other.path_);
    return *this;
}

tl::unexpected<Error> File::failure(int error) const { return failure_at(path_, error); }

Result<uint64_t> File::size() const {
    struct stat info {};
    if (fstat(descriptor_, &info) != 0) return failure(errno);
    return static_cast<uint64_t>(info.st_size);
}

Result<size_t> File::read(uint64_t offset, ByteSpan out) const {
    size_t done = 0;
    while (done < out.size()) {
        const ssize_t got = pread(descriptor_, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return failure(errno);
        if (got == 0) break;
        done += static_cast<size_t>(got);
    }
    return done;
}

Result<void> File::write(uint64_t offset, ByteView bytes) {
    while (!bytes.empty()) {
        const ssize_t put = pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return failure(errno);
        bytes = bytes.subspan(static_cast<size_t>(put));
        offset += static_cast<uint64_t>(put);
    }
    return {};
}

void File::start_writing_out(uint64_t offset, uint64_t length) {
    static_cast<void>(
        sync_file_range(descriptor_, static_cast<off_t>(offset), static_cast<off_t>(length), SYNC_FILE_RANGE_WRITE));
}

Result<void> File::truncate(uint64_t size) {
    if (ftruncate(descriptor_, static_cast<off_t>(size)) != 0) return failure(errno);
    return {};
}

Result<bool> File::try_lock() {
    if (flock(descriptor_, LOCK_EX | LOCK_NB) == 0) return true;
    if (errno == EWOULDBLOCK) return false;
    return failure(errno);
}

Result<bool> File::is_at_its_path() const {
    struct stat here {
    }, there{};
    if (fstat(descriptor_, &here) != 0) return failure(errno);
    if (lstat(path_.c_str(), &there) != 0) return errno == ENOENT ? Result<bool>(false) : failure(errno);
    return here.st_dev == there.st_dev && here.st_ino == there.st_ino;
}

Result<void> File::sync() {
    if (fsync(descriptor_) != 0) return failure(errno);
    return {};
}

}  // namespace bae::node
