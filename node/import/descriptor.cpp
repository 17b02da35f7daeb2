#include "node/import/descriptor.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "node/files.h"
#include "node/import/names.h"

namespace bae::node {

Descriptor::~Descriptor() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

Result<void> write_full(int descriptor, ByteView bytes) {
    while (!bytes.empty()) {
        const ssize_t put = ::write(descriptor, bytes.data(), bytes.size());
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return tl::unexpected(errno_error(errno, "cannot write"));
        bytes = bytes.subspan(static_cast<size_t>(put));
    }
    return {};
}

Result<TemporaryFile> TemporaryFile::create(const std::string& directory) {
    TemporaryFile made;
    made.path_ = directory + "/.import-XXXXXX";
    made.file_ = Descriptor(::mkostemp(made.path_.data(), O_CLOEXEC));
    if (!made.file_) {
        made.path_.clear();
        return tl::unexpected(errno_error(errno, "cannot write in " + directory));
    }
    // mkstemp makes private files; music is as readable as the folder it lies in
    ::fchmod(made.file_.get(), 0644);
    return made;
}

TemporaryFile::~TemporaryFile() {
    if (!path_.empty()) ::unlink(path_.c_str());
}

Result<void> TemporaryFile::sync() {
    if (::fdatasync(file_.get()) != 0) return tl::unexpected(errno_error(errno, "cannot sync " + path_));
    return {};
}

bool file_is_gone(const std::string& path) {
    struct stat info {};
    return ::lstat(path.c_str(), &info) != 0 && (errno == ENOENT || errno == ENOTDIR);
}

Result<void> publish_file(const std::string& temporary, const std::string& path) {
    if (TRY_CONTEXT(rename_if_free(temporary, path), "cannot create")) return {};
    return tl::unexpected(errno_error(EEXIST, "cannot create " + clean_text(path)));
}

}  // namespace bae::node
