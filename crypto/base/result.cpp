#include "crypto/base/result.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace bae {

std::string_view to_string(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::retry:
            return "retry";
        case ErrorKind::not_found:
            return "not_found";
        case ErrorKind::conflict:
            return "conflict";
        case ErrorKind::denied:
            return "denied";
        case ErrorKind::corrupt:
            return "corrupt";
        case ErrorKind::bad_signature:
            return "bad_signature";
        case ErrorKind::invalid_input:
            return "invalid_input";
        case ErrorKind::unsupported:
            return "unsupported";
        case ErrorKind::upgrade_needed:
            return "upgrade_needed";
        case ErrorKind::cancelled:
            return "cancelled";
        case ErrorKind::internal:
            return "internal";
    }
    return "internal";
}

static ErrorKind kind_of_errno(int value) {
    switch (value) {
        case ENOENT:
        case ENOTDIR:
            return ErrorKind::not_found;
        case EACCES:
        case EPERM:
        case EROFS:
            return ErrorKind::denied;
        case EEXIST:
            return ErrorKind::conflict;
        case EINVAL:
        case EISDIR:
        case ENAMETOOLONG:
        case ELOOP:
            return ErrorKind::invalid_input;
        case EOPNOTSUPP:
        case ENOSYS:
            return ErrorKind::unsupported;
        default:
            return ErrorKind::retry;  // full disk, I/O error, stale mount, too many files: all can pass
    }
}

Error errno_error(int errno_value, std::string_view what) {
    std::string message = std::string(what) + ": " + std::strerror(errno_value);
    const bool no_space = errno_value == ENOSPC || errno_value == EDQUOT;
    if (no_space) message += " (free some space and try again)";
    if (errno_value == EROFS) message += " (mount it writable)";
    return Error{kind_of_errno(errno_value), std::move(message), no_space ? Cause::no_space : Cause::other};
}

void check_failed(const char* condition, const char* file, int line) {
    std::fprintf(stderr,
                 "bae: broken invariant: %s (%s:%d). This is a bug; the library on disk is as of the last commit.\n",
                 condition, file, line);
    std::abort();
}

}  // namespace bae
