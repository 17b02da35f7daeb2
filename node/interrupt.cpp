#include "node/interrupt.h"

#include <poll.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>

namespace bae::node {

static std::atomic<bool> asked_to_stop = false;
static_assert(std::atomic<bool>::is_always_lock_free);

static void on_signal(int) { asked_to_stop = true; }

void watch_for_interrupts() {
    struct sigaction action {};
    action.sa_handler = on_signal;
    action.sa_flags = static_cast<int>(SA_RESETHAND);  // without SA_RESTART, so that waiting for input ends too
    for (const int signal : {SIGINT, SIGTERM}) sigaction(signal, &action, nullptr);
}

void interrupt() { asked_to_stop = true; }
bool interrupted() { return asked_to_stop; }

Result<void> pause_ms(int64_t ms) {
    const auto now = [] { return std::chrono::steady_clock::now(); };
    const auto end = now() + std::chrono::milliseconds(ms);
    while (!interrupted()) {
        const auto rest = std::chrono::duration_cast<std::chrono::milliseconds>(end - now()).count();
        if (rest <= 0) return {};
        poll(nullptr, 0, static_cast<int>(std::min<int64_t>(rest, 200)));  // a signal may go to another thread
    }
    return fail(ErrorKind::cancelled, "interrupted");
}

}  // namespace bae::node
