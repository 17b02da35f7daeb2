#include "s3/temporary_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>

namespace bae::s3 {

static constexpr char kTemporaries[] = ".tmp";
static constexpr size_t kPiece = 256 * 1024;
static constexpr time_t kStaleSeconds = 24 * 60 * 60;
static constexpr time_t kStaleLockSeconds = 10 * 60;

static std::string random_name() {
    std::byte random[16];
    CHECK(::getrandom(random, sizeof random, 0) == static_cast<ssize_t>(sizeof random));
    return hex_encode(random);
}

TemporaryFile::~TemporaryFile() {
    if (directory_ && file_ && !name_.empty()) ::unlinkat(directory_.get(), name_.c_str(), 0);
}

Result<TemporaryFile> TemporaryFile::create(int root) {
    bool made = false;
    TemporaryFile temporary(TRY(open_or_make_directory(root, kTemporaries, made)));
    temporary.name_ = random_name();
    temporary.file_ = Descriptor(::openat(temporary.directory_.get(), temporary.name_.c_str(),
                                          O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666));
    if (!temporary.file_) return tl::unexpected(errno_error(errno, "cannot make a temporary file"));
    return temporary;
}

static Result<void> write_all(int fd, ByteView bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(fd, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return tl::unexpected(errno_error(errno, "cannot write"));
        bytes = bytes.subspan(static_cast<size_t>(written));
    }
    return {};
}

Result<void> TemporaryFile::fill(Body& body) {
    const uint64_t size = body.size();
    Bytes piece(std::min<uint64_t>(size, kPiece));
    for (uint64_t offset = 0; offset < size; offset += piece.size()) {
        piece.resize(std::min<uint64_t>(size - offset, kPiece));
        TRY(body.read(offset, piece));
        TRY(write_all(file_.get(), piece));
    }
    return {};
}

Result<TemporaryFile> TemporaryFile::write(int root, Body& body, const FileCalls& calls, Durability durability) {
    TemporaryFile temporary = TRY(create(root));
    TRY(temporary.fill(body));
    if (durability == Durability::unsynced) return temporary;
    if (const int error = calls.fsync(temporary.file_.get()); error != 0)
        return tl::unexpected(errno_error(error, "cannot flush to disk"));
    return temporary;
}

// link() where the file system has no links (FAT, exFAT, some SMB servers and FUSE) and renameat2() where it cannot
// refuse to replace answer with one of these.
static bool is_unsupported(int error) {
    return error == EPERM || error == EOPNOTSUPP || error == ENOSYS || error == EINVAL || error == EMLINK;
}

static tl::unexpected<Error> publish_error(int error, std::string_view path) {
    const std::string what = "cannot store " + std::string(path);
    if (error == ENOENT)
        return fail(ErrorKind::retry, what + ": its directory or temporary file was removed meanwhile");
    if (error == EBUSY) return fail(ErrorKind::retry, what + ": another program is storing it");
    if (error == EXDEV)
        return fail(ErrorKind::unsupported, what + ": another file system is mounted inside the bucket's directory");
    if (error == EISDIR || error == ENOTEMPTY || error == EEXIST)
        return fail(ErrorKind::conflict, what + ": a directory has its name (move it out of the way)");
    return tl::unexpected(errno_error(error, what));
}

Result<PutOutcome> TemporaryFile::publish_if_absent(const Place& place, std::string_view path, const FileCalls& calls) {
    int error = calls.link(directory_.get(), name_.c_str(), place.directory.get(), place.name.c_str());
    if (is_unsupported(error)) {
        error = calls.rename_if_absent(directory_.get(), name_.c_str(), place.directory.get(), place.name.c_str());
        if (is_unsupported(error)) error = rename_under_lock(place, path);
        if (error == 0) name_.clear();
    }
    if (error == 0) return PutOutcome::created;
    if (error != EEXIST) return publish_error(error, path);
    if (TRY(is_taken(place, path))) return PutOutcome::exists;
    return fail(ErrorKind::retry, std::string(path) + " was there and was removed meanwhile");
}

Result<void> TemporaryFile::publish(const Place& place, std::string_view path) {
    if (::renameat(directory_.get(), name_.c_str(), place.directory.get(), place.name.c_str()) != 0)
        return publish_error(errno, path);
    name_.clear();
    return {};
}

// The same for every program, so that they meet at one lock; a collision only makes one of two writers wait.
static std::string lock_name(std::string_view path) {
    uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
    for (const char c : path) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    char name[24];
    std::snprintf(name, sizeof name, "lock-%016llx", static_cast<unsigned long long>(hash));
    return name;
}

// Creation is exclusive by a lock file, the name still appears whole by a rename. 0 or an errno; EBUSY: somebody has
// the lock.
int TemporaryFile::rename_under_lock(const Place& place, std::string_view path) {
    const std::string lock = lock_name(path);
    const auto take = [&] {
        return Descriptor(::openat(directory_.get(), lock.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
    };
    Descriptor held = take();
    if (!held && errno == EEXIST && break_stale_lock(lock)) held = take();
    if (!held) return errno == EEXIST || errno == ENOENT ? EBUSY : errno;
    struct stat status {};
    int error = EEXIST;
    if (::fstatat(place.directory.get(), place.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
        error = errno;
        if (error == ENOENT)
            error =
                ::renameat(directory_.get(), name_.c_str(), place.directory.get(), place.name.c_str()) == 0 ? 0 : errno;
    }
    ::unlinkat(directory_.get(), lock.c_str(), 0);
    return error;
}

// A lock is held for two system calls; one that is ten minutes older than the file just written has lost its owner.
// Both times are the storage's. Renaming it away first lets only one of several programs break it.
bool TemporaryFile::break_stale_lock(const std::string& lock) {
    struct stat held {};
    struct stat mine {};
    if (::fstatat(directory_.get(), lock.c_str(), &held, AT_SYMLINK_NOFOLLOW) != 0) return errno == ENOENT;
    if (::fstat(file_.get(), &mine) != 0 || held.st_mtim.tv_sec + kStaleLockSeconds > mine.st_mtim.tv_sec) return false;
    const std::string away = random_name();
    if (::renameat(directory_.get(), lock.c_str(), directory_.get(), away.c_str()) != 0) return false;
    return ::unlinkat(directory_.get(), away.c_str(), 0) == 0;
}

static std::optional<time_t> storage_clock(int directory) {
    const std::string name = random_name();
    const Descriptor probe(::openat(directory, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
    if (!probe) return std::nullopt;
    struct stat status {};
    const bool known = ::fstat(probe.get(), &status) == 0;
    ::unlinkat(directory, name.c_str(), 0);
    return known ? std::optional(status.st_mtim.tv_sec) : std::nullopt;
}

void remove_stale_temporaries(int root) {
    auto directory = open_directory(root, kTemporaries);
    if (!directory) return;
    const int fd = directory->get();
    const auto now = storage_clock(fd);
    const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(directory->release()), ::closedir);
    if (!stream || !now) return;
    while (const dirent* entry = ::readdir(stream.get())) {
        struct stat status {};
        if (::fstatat(fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0 || S_ISDIR(status.st_mode)) continue;
        if (status.st_mtim.tv_sec + kStaleSeconds < *now) ::unlinkat(fd, entry->d_name, 0);
    }
}

}  // namespace bae::s3
