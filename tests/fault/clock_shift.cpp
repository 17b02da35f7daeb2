// Preloaded into the program: its wall clock is off by BAE_CLOCK_SHIFT seconds.
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <cstdlib>

namespace {

long long shift() {
    static const char* const text = std::getenv("BAE_CLOCK_SHIFT");
    return text == nullptr ? 0 : std::atoll(text);
}

int read_clock(clockid_t clock, struct timespec* now) {
    const int failed = static_cast<int>(::syscall(SYS_clock_gettime, clock, now));
    if (failed == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += shift();
    return failed;
}

}  // namespace

extern "C" int shifted_clock_gettime(clockid_t clock, struct timespec* now) __asm__("clock_gettime");
extern "C" int shifted_clock_gettime(clockid_t clock, struct timespec* now) { return read_clock(clock, now); }

extern "C" int shifted_gettimeofday(struct timeval* now, void*) __asm__("gettimeofday");
extern "C" int shifted_gettimeofday(struct timeval* now, void*) {
    struct timespec time {};
    const int failed = read_clock(CLOCK_REALTIME, &time);
    *now = {time.tv_sec, time.tv_nsec / 1000};
    return failed;
}

extern "C" time_t shifted_time(time_t* out) __asm__("time");
extern "C" time_t shifted_time(time_t* out) {
    struct timespec now {};
    read_clock(CLOCK_REALTIME, &now);
    if (out != nullptr) *out = now.tv_sec;
    return now.tv_sec;
}
