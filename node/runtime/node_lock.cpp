#include "node/runtime/node_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "node/output/escape.h"

namespace bae::node {
namespace {

// Of the open file, not of the process: asking whether it is locked takes nothing, and closing another descriptor of
// the file gives nothing up.
struct flock whole_file() {
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    return lock;
}

RunningNode read_holder(int descriptor) {
    std::array<char, 64> text{};
    RunningNode node;
    long long pid = 0, since_ms = 0;
    if (pread(descriptor, text.data(), text.size() - 1, 0) > 0 &&
        std::sscanf(text.data(), "%lld %lld", &pid, &since_ms) == 2)
        node = {.pid = pid, .since_ms = since_ms};
    return node;
}

Error taken_by(const RunningNode& node) {
    const std::string who = node.pid > 0 ? fmt::format("process {}", node.pid) : "another process";
    return {ErrorKind::retry,
            fmt::format("{} is the daemon of this library already; `bae status` says what it does", who),
            Cause::locked};
}

Result<void> write_holder(int descriptor, const RunningNode& self) {
    const std::string text = fmt::format("{} {}\n", self.pid, self.since_ms);
    if (ftruncate(descriptor, 0) != 0 ||
        pwrite(descriptor, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()))
        return tl::unexpected<Error>(errno_error(errno, "node.lock"));
    return {};
}

}  // namespace

Result<NodeLock> NodeLock::take(const HomePaths& home, const RunningNode& self) {
    const int descriptor = ::open(home.node_lock().c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (descriptor < 0) return tl::unexpected<Error>(errno_error(errno, shown(home.node_lock().native())));
    NodeLock lock(descriptor);
    struct flock all = whole_file();
    if (fcntl(descriptor, F_OFD_SETLK, &all) != 0) {
        if (errno == EAGAIN || errno == EACCES) return tl::unexpected<Error>(taken_by(read_holder(descriptor)));
        return tl::unexpected<Error>(errno_error(errno, shown(home.node_lock().native())));
    }
    TRY(write_holder(descriptor, self));
    return lock;
}

Result<std::optional<RunningNode>> NodeLock::holder(const HomePaths& home) {
    const int descriptor = ::open(home.node_lock().c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0 && errno == ENOENT) return std::optional<RunningNode>();
    if (descriptor < 0) return tl::unexpected<Error>(errno_error(errno, shown(home.node_lock().native())));
    const NodeLock closed_at_end(descriptor);
    struct flock all = whole_file();
    if (fcntl(descriptor, F_OFD_GETLK, &all) != 0)
        return tl::unexpected<Error>(errno_error(errno, shown(home.node_lock().native())));
    if (all.l_type == F_UNLCK) return std::optional<RunningNode>();
    return std::optional(read_holder(descriptor));
}

NodeLock::NodeLock(NodeLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

NodeLock::~NodeLock() {
    if (descriptor_ >= 0) close(descriptor_);
}

}  // namespace bae::node
