// Preloaded into the program: records what it does to files, and kills it before a chosen operation.
//
//   BAE_JOURNAL=file        appends one record per operation; power_cut.py reads them
//   BAE_JOURNAL_UNDER=dir   operations below this directory count (an absolute path without links)
//   BAE_KILL_AT=n           SIGKILL in place of the n-th operation (1) of the process
//   BAE_MOVE_AT=n           before the n-th operation, BAE_MOVE_FROM is renamed to BAE_MOVE_TO: a disk is unmounted
//
// A record is a line "KIND a b c length length" and as many bytes as the two lengths say. Files are named by inode
// number; names are those of entries in a directory.
//
//   C dir file 0 name          a file made           W file offset 0 . data   bytes written
//   D dir file 0 name          a directory made      T file size              cut or grown to a size
//   L dir file 0 name          one more name         F file                   fsync, fdatasync
//   U dir 0 0 name             a name removed        S                        syncfs
//   R dir dir file name name   a name moved
//
// The calls are system calls of their own, made under one lock, so that the record has the order of what happened.
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>
#include <string_view>

namespace {

using Inode = unsigned long long;

template <class... Arguments>
long system_call(long number, Arguments... arguments) {
    return ::syscall(number, arguments...);
}

std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
}

struct Name {
    int directory;
    std::string_view path;
};

Inode inode_at(int directory, const std::string& path) {
    struct stat info {};
    return ::fstatat(directory, path.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 ? info.st_ino : 0;
}

Inode inode_of(int file) {
    struct stat info {};
    return ::fstat(file, &info) == 0 ? info.st_ino : 0;
}

std::string_view last_part(std::string_view path) { return path.substr(path.rfind('/') + 1); }

std::string parent_part(std::string_view path) {
    const size_t slash = path.rfind('/');
    if (slash == path.npos) return ".";
    return slash == 0 ? "/" : std::string(path.substr(0, slash));
}

std::string place_of(int file) {
    char place[PATH_MAX];
    const std::string link = "/proc/self/fd/" + std::to_string(file);
    const ssize_t size = ::readlink(link.c_str(), place, sizeof place);
    return size < 0 ? "" : std::string(place, static_cast<size_t>(size));
}

class Journal {
  public:
    static Journal& get() {
        static Journal* const journal = new Journal;  // outlives every destructor that still writes
        return *journal;
    }

    bool is_watched(std::string_view place) const {
        return !under_.empty() && place.starts_with(under_) &&
               (place.size() == under_.size() || place[under_.size()] == '/');
    }
    bool is_watched(int file) const { return !under_.empty() && file > 2 && is_watched(place_of(file)); }
    bool is_watched(Name name) const {
        if (under_.empty()) return false;
        if (name.path.starts_with('/') || name.directory == AT_FDCWD) return is_watched(name.path);
        return is_watched(name.directory);
    }

    // Calls `act` as the next operation and, if it succeeded, records what `describe` says.
    template <class Act, class Describe>
    long run(bool watched, Act act, Describe describe) {
        if (!watched) return act();
        const std::lock_guard lock(mutex_);
        if (++operations_ == kill_at_) ::kill(::getpid(), SIGKILL);
        if (operations_ == move_at_)
            system_call(SYS_renameat2, AT_FDCWD, move_from_.c_str(), AT_FDCWD, move_to_.c_str(), 0);
        const long result = act();
        const int error = errno;
        if (result >= 0 && file_ >= 0) describe(result);
        errno = error;
        return result;
    }

    void record(char kind, Inode a, Inode b = 0, Inode c = 0, std::string_view one = {}, std::string_view two = {}) {
        char line[128];
        const int size =
            std::snprintf(line, sizeof line, "%c %llu %llu %llu %zu %zu\n", kind, a, b, c, one.size(), two.size());
        std::string out(line, static_cast<size_t>(size));
        out.append(one).append(two);
        if (system_call(SYS_write, file_, out.data(), out.size()) != static_cast<long>(out.size())) std::abort();
    }
    void entry(char kind, Name name) {
        const Inode directory = inode_at(name.directory, parent_part(name.path));
        record(kind, directory, inode_at(name.directory, std::string(name.path)), 0, last_part(name.path));
    }

  private:
    Journal() : under_(variable("BAE_JOURNAL_UNDER")) {
        const std::string file = variable("BAE_JOURNAL");
        if (!file.empty())
            file_ = static_cast<int>(
                system_call(SYS_openat, AT_FDCWD, file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    }
    static unsigned long long number(const char* name) { return std::strtoull(variable(name).c_str(), nullptr, 10); }

    std::string under_;
    int file_ = -1;
    unsigned long long operations_ = 0;
    const unsigned long long kill_at_ = number("BAE_KILL_AT"), move_at_ = number("BAE_MOVE_AT");
    const std::string move_from_ = variable("BAE_MOVE_FROM"), move_to_ = variable("BAE_MOVE_TO");
    std::mutex mutex_;
};

// --- opening ---------------------------------------------------------------------------------------------------------

long open_at(int directory, const char* path, int flags, mode_t mode) {
    Journal& journal = Journal::get();
    const auto act = [&] { return system_call(SYS_openat, directory, path, flags, mode); };
    const bool changes = (flags & (O_CREAT | O_TRUNC)) != 0;
    const Name name{directory, path};
    bool existed = true;
    const auto act_and_look = [&] {
        existed = inode_at(directory, path) != 0;
        return act();
    };
    return journal.run(changes && journal.is_watched(name), act_and_look, [&](long file) {
        if (!existed)
            journal.entry('C', name);
        else if ((flags & O_TRUNC) != 0)
            journal.record('T', inode_of(static_cast<int>(file)));
    });
}

mode_t mode_from(int flags, va_list arguments) {
    return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
}

int make_temporary(char* pattern, int flags) {
    char* const end = pattern + std::strlen(pattern) - 6;
    static constexpr char kLetters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    for (int attempt = 0; attempt < 100; ++attempt) {
        unsigned char random[6];
        if (::getrandom(random, sizeof random, 0) != sizeof random) return -1;
        for (int i = 0; i < 6; ++i) end[i] = kLetters[random[i] % (sizeof kLetters - 1)];
        const long file = open_at(AT_FDCWD, pattern, flags | O_RDWR | O_CREAT | O_EXCL, 0600);
        if (file >= 0 || errno != EEXIST) return static_cast<int>(file);
    }
    return -1;
}

// --- writing ---------------------------------------------------------------------------------------------------------

// The bytes that a call put before the file's position, read back: what was written is what lies there.
void record_range(int file, off_t offset, size_t size) {
    const std::string place = "/proc/self/fd/" + std::to_string(file);
    const int again = static_cast<int>(system_call(SYS_openat, AT_FDCWD, place.c_str(), O_RDONLY | O_CLOEXEC, 0));
    std::string bytes(size, '\0');
    if (again < 0 || ::pread(again, bytes.data(), size, offset) != static_cast<ssize_t>(size)) std::abort();
    ::close(again);
    Journal::get().record('W', inode_of(file), static_cast<Inode>(offset), 0, {}, bytes);
}

template <class Act>
ssize_t write_at_position(int file, Act act) {
    Journal& journal = Journal::get();
    return journal.run(journal.is_watched(file), act, [&](long size) {
        record_range(file, ::lseek(file, 0, SEEK_CUR) - size, static_cast<size_t>(size));
    });
}

template <class Act>
ssize_t write_at(int file, off_t offset, Act act) {
    Journal& journal = Journal::get();
    return journal.run(journal.is_watched(file), act,
                       [&](long size) { record_range(file, offset, static_cast<size_t>(size)); });
}

int resize(int file, off_t size) {
    Journal& journal = Journal::get();
    return static_cast<int>(journal.run(
        journal.is_watched(file), [&] { return system_call(SYS_ftruncate, file, size); },
        [&](long) { journal.record('T', inode_of(file), static_cast<Inode>(size)); }));
}

int flush(long call, int file) {
    Journal& journal = Journal::get();
    return static_cast<int>(journal.run(
        journal.is_watched(file), [&] { return system_call(call, file); },
        [&](long) { journal.record(call == SYS_syncfs ? 'S' : 'F', inode_of(file)); }));
}

// --- names -----------------------------------------------------------------------------------------------------------

int move(Name from, Name to, unsigned flags) {
    Journal& journal = Journal::get();
    const std::string source(from.path), target(to.path);
    return static_cast<int>(journal.run(
        journal.is_watched(to) || journal.is_watched(from),
        [&] { return system_call(SYS_renameat2, from.directory, source.c_str(), to.directory, target.c_str(), flags); },
        [&](long) {
            journal.record('R', inode_at(from.directory, parent_part(source)),
                           inode_at(to.directory, parent_part(target)), inode_at(to.directory, target),
                           last_part(source), last_part(target));
        }));
}

int add_name(Name from, Name to, int flags) {
    Journal& journal = Journal::get();
    const std::string source(from.path), target(to.path);
    return static_cast<int>(journal.run(
        journal.is_watched(to),
        [&] { return system_call(SYS_linkat, from.directory, source.c_str(), to.directory, target.c_str(), flags); },
        [&](long) {
            journal.entry('L', {to.directory, target});
        }));
}

int remove_name(Name name, int flags) {
    Journal& journal = Journal::get();
    const std::string path(name.path);
    return static_cast<int>(journal.run(
        journal.is_watched(name), [&] { return system_call(SYS_unlinkat, name.directory, path.c_str(), flags); },
        [&](long) {
            journal.entry('U', {name.directory, path});
        }));
}

int make_directory(Name name, mode_t mode) {
    Journal& journal = Journal::get();
    const std::string path(name.path);
    return static_cast<int>(journal.run(
        journal.is_watched(name), [&] { return system_call(SYS_mkdirat, name.directory, path.c_str(), mode); },
        [&](long) {
            journal.entry('D', {name.directory, path});
        }));
}

}  // namespace

// The symbols of the C library, under names of our own because its headers have declared them already.
#define REPLACE(returned, symbol, ...)                                   \
    extern "C" returned replaced_##symbol(__VA_ARGS__) __asm__(#symbol); \
    extern "C" returned replaced_##symbol(__VA_ARGS__)

#define REPLACE_OPEN(symbol)                                           \
    REPLACE(int, symbol, const char* path, int flags, ...) {           \
        va_list arguments;                                             \
        va_start(arguments, flags);                                    \
        const mode_t mode = mode_from(flags, arguments);               \
        va_end(arguments);                                             \
        return static_cast<int>(open_at(AT_FDCWD, path, flags, mode)); \
    }
#define REPLACE_OPENAT(symbol)                                              \
    REPLACE(int, symbol, int directory, const char* path, int flags, ...) { \
        va_list arguments;                                                  \
        va_start(arguments, flags);                                         \
        const mode_t mode = mode_from(flags, arguments);                    \
        va_end(arguments);                                                  \
        return static_cast<int>(open_at(directory, path, flags, mode));     \
    }

REPLACE_OPEN(open)
REPLACE_OPEN(open64)
REPLACE_OPENAT(openat)
REPLACE_OPENAT(openat64)
REPLACE(int, mkstemp, char* pattern) { return make_temporary(pattern, 0); }
REPLACE(int, mkstemp64, char* pattern) { return make_temporary(pattern, 0); }
REPLACE(int, mkostemp, char* pattern, int flags) { return make_temporary(pattern, flags); }
REPLACE(int, mkostemp64, char* pattern, int flags) { return make_temporary(pattern, flags); }

REPLACE(ssize_t, write, int file, const void* data, size_t size) {
    return write_at_position(file, [&] { return system_call(SYS_write, file, data, size); });
}
REPLACE(ssize_t, writev, int file, const struct iovec* parts, int count) {
    return write_at_position(file, [&] { return system_call(SYS_writev, file, parts, count); });
}
REPLACE(ssize_t, sendfile, int file, int from, off_t* offset, size_t size) {
    return write_at_position(file, [&] { return system_call(SYS_sendfile, file, from, offset, size); });
}
REPLACE(ssize_t, sendfile64, int file, int from, off_t* offset, size_t size) {
    return write_at_position(file, [&] { return system_call(SYS_sendfile, file, from, offset, size); });
}
REPLACE(ssize_t, pwrite, int file, const void* data, size_t size, off_t offset) {
    return write_at(file, offset, [&] { return system_call(SYS_pwrite64, file, data, size, offset); });
}
REPLACE(ssize_t, pwrite64, int file, const void* data, size_t size, off_t offset) {
    return write_at(file, offset, [&] { return system_call(SYS_pwrite64, file, data, size, offset); });
}
REPLACE(int, ftruncate, int file, off_t size) { return resize(file, size); }
REPLACE(int, ftruncate64, int file, off_t size) { return resize(file, size); }

REPLACE(int, fsync, int file) { return flush(SYS_fsync, file); }
REPLACE(int, fdatasync, int file) { return flush(SYS_fdatasync, file); }
REPLACE(int, syncfs, int file) { return flush(SYS_syncfs, file); }

REPLACE(int, rename, const char* from, const char* to) { return move({AT_FDCWD, from}, {AT_FDCWD, to}, 0); }
REPLACE(int, renameat, int from_dir, const char* from, int to_dir, const char* to) {
    return move({from_dir, from}, {to_dir, to}, 0);
}
REPLACE(int, renameat2, int from_dir, const char* from, int to_dir, const char* to, unsigned flags) {
    return move({from_dir, from}, {to_dir, to}, flags);
}
REPLACE(int, link, const char* from, const char* to) { return add_name({AT_FDCWD, from}, {AT_FDCWD, to}, 0); }
REPLACE(int, linkat, int from_dir, const char* from, int to_dir, const char* to, int flags) {
    return add_name({from_dir, from}, {to_dir, to}, flags);
}
REPLACE(int, unlink, const char* path) { return remove_name({AT_FDCWD, path}, 0); }
REPLACE(int, rmdir, const char* path) { return remove_name({AT_FDCWD, path}, AT_REMOVEDIR); }
REPLACE(int, unlinkat, int directory, const char* path, int flags) { return remove_name({directory, path}, flags); }
REPLACE(int, remove, const char* path) {
    const int file = remove_name({AT_FDCWD, path}, 0);
    return file == 0 || errno != EISDIR ? file : remove_name({AT_FDCWD, path}, AT_REMOVEDIR);
}
REPLACE(int, mkdir, const char* path, mode_t mode) { return make_directory({AT_FDCWD, path}, mode); }
REPLACE(int, mkdirat, int directory, const char* path, mode_t mode) { return make_directory({directory, path}, mode); }
