#include "crypto/base/crash_point.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <mutex>
#include <set>
#include <string>

namespace bae {

namespace {

struct Orders {
    std::string fatal;    // where to die
    uint64_t passes = 1;  // at which pass
    std::string log;

    static std::string variable(const char* name) {
        const char* value = std::getenv(name);
        return value == nullptr ? "" : value;
    }
    Orders() : fatal(variable("BAE_CRASH_AT")), log(variable("BAE_CRASH_LOG")) {
        const size_t colon = fatal.rfind(':');
        if (colon == std::string::npos || fatal.find_first_not_of("0123456789", colon + 1) != std::string::npos) return;
        passes = std::strtoull(fatal.c_str() + colon + 1, nullptr, 10);
        fatal.resize(colon);
    }
};

void append_line(const std::string& file, std::string_view name) {
    const std::string line = std::string(name) + "\n";
    const int fd = open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0) return;
    if (write(fd, line.data(), line.size()) < 0) static_cast<void>(0);  // the test that reads the log will miss it
    close(fd);
}

}  // namespace

void reach_crash_point(std::string_view name) {
    static const Orders orders;
    static std::mutex mutex;
    static std::set<std::string, std::less<>> logged;
    static uint64_t passed = 0;
    if (orders.fatal.empty() && orders.log.empty()) return;
    const std::lock_guard lock(mutex);
    if (!orders.log.empty() && logged.emplace(name).second) append_line(orders.log, name);
    if (name == orders.fatal && ++passed == orders.passes) kill(getpid(), SIGKILL);
}

}  // namespace bae
