#include "node/runtime/notify.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstddef>
#include <cstring>

namespace bae::node {

static int64_t number_of(const std::optional<std::string>& text) {
    int64_t number = 0;
    if (text) std::from_chars(text->data(), text->data() + text->size(), number);
    return number;
}

Notify::Notify(Environment environment) : socket_(environment("NOTIFY_SOCKET").value_or("")) {
    const auto watched = environment("WATCHDOG_PID");
    if (watched && number_of(watched) != getpid()) return;
    watchdog_ms_ = number_of(environment("WATCHDOG_USEC")) / 1000;
}

void Notify::send(std::string_view assignments) const {
    sockaddr_un address{};
    if (socket_.size() < 2 || socket_.size() >= sizeof address.sun_path) return;
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, socket_.data(), socket_.size());
    if (socket_[0] == '@') address.sun_path[0] = '\0';
    const int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0) return;
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
    static_cast<void>(sendto(descriptor, assignments.data(), assignments.size(), MSG_NOSIGNAL,
                             reinterpret_cast<const sockaddr*>(&address), length));
    close(descriptor);
}

void Notify::status(std::string_view text) const { send("STATUS=" + std::string(text)); }

}  // namespace bae::node
