#include "node/output/output.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "node/output/escape.h"

namespace bae::node {
namespace {

constexpr int64_t kBarAfter_ms = 1000;
constexpr int64_t kBarEvery_ms = 100;
constexpr int64_t kLineEvery_ms = 500;

int64_t monotonic_ms() {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

size_t terminal_width(int descriptor) {
    winsize size{};
    if (!isatty(descriptor) || ioctl(descriptor, TIOCGWINSZ, &size) != 0) return 0;
    return size.ws_col;
}

bool wants_color() {
    const char* none = std::getenv("NO_COLOR");
    const char* terminal = std::getenv("TERM");
    return (!none || !*none) && terminal && std::string_view(terminal) != "dumb" && isatty(STDOUT_FILENO);
}

bool write_whole(std::string_view text) {
    while (!text.empty()) {
        const ssize_t put = write(STDOUT_FILENO, text.data(), text.size());
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) return false;
        text.remove_prefix(static_cast<size_t>(put));
    }
    return true;
}

std::string bar(uint64_t done, uint64_t total) {
    const size_t filled =
        static_cast<size_t>(20 * (static_cast<double>(std::min(done, total)) / static_cast<double>(total)));
    return fmt::format("[{}{}]", std::string(filled, '#'), std::string(20 - filled, ' '));
}

}  // namespace

std::string progress_text(const Progress& at, uint64_t bytes_per_s) {
    std::string text = fmt::format("{} {}", at.phase, at.done);
    if (at.total_bytes > 0)
        text = fmt::format("{:<10} {} {} of {} files, {} of {}, {}/s", at.phase, bar(at.bytes, at.total_bytes), at.done,
                           at.total, size_text(at.bytes), size_text(at.total_bytes), size_text(bytes_per_s));
    else if (at.total > 0)
        text = fmt::format("{:<10} {} {}/{}", at.phase, bar(at.done, at.total), at.done, at.total);
    return at.detail.empty() ? text : text + " " + shown(at.detail);
}

Output::Output(Format format, bool quiet)
    : format_(format),
      quiet_(quiet),
      color_(wants_color()),
      bar_terminal_(isatty(STDERR_FILENO) != 0),
      width_(terminal_width(STDOUT_FILENO)),
      bar_width_(terminal_width(STDERR_FILENO)) {}

Output::~Output() { flush(); }

void Output::print(std::string_view text) {
    const std::lock_guard lock(mutex_);
    clear_bar();
    std::fwrite(text.data(), 1, text.size(), stdout);
}

void Output::line(std::string_view text) {
    const std::lock_guard lock(mutex_);
    clear_bar();
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fputc('\n', stdout);
}

bool Output::secret_line(std::string_view before, std::string_view secret, std::string_view after) {
    if (!flush()) return false;
    const std::lock_guard lock(mutex_);
    return write_whole(before) && write_whole(secret) && write_whole(after) && write_whole("\n");
}

void Output::note(std::string_view text) {
    if (!quiet_ && !json()) line(text);
}

void Output::remark(std::string_view text) {
    if (quiet_ || json()) return;
    const std::lock_guard lock(mutex_);
    clear_bar();
    std::fflush(stdout);
    fmt::print(stderr, "{}\n", text);
}

void Output::warn(std::string_view text) {
    const std::lock_guard lock(mutex_);
    clear_bar();
    std::fflush(stdout);
    fmt::print(stderr, "bae: warning: {}\n", text);
}

void Output::error(std::string_view text) {
    const std::lock_guard lock(mutex_);
    clear_bar();
    std::fflush(stdout);
    fmt::print(stderr, "bae: {}\n", text);
}

void Output::clear_bar() {
    if (!bar_shown_) return;
    std::fputs("\r\033[K", stderr);
    bar_shown_ = false;
}

void Output::progress(const Progress& progress) {
    if (listener_) listener_(progress);
    if (quiet_) return;
    const std::lock_guard lock(mutex_);
    if (progress.total_bytes > 0) rate_.note(monotonic_ms(), progress.bytes);
    if (json())
        progress_json(progress);
    else if (bar_terminal_)
        progress_bar(progress);
}

void Output::progress_json(const Progress& progress) {
    const int64_t now = monotonic_ms();
    if (last_shown_ms_ != 0 && now - last_shown_ms_ < kLineEvery_ms) return;
    last_shown_ms_ = now;
    JsonObject object;
    object.text("progress", progress.phase).count("done", progress.done).count("total", progress.total);
    if (progress.total_bytes > 0)
        object.count("bytes", progress.bytes)
            .count("total_bytes", progress.total_bytes)
            .count("bytes_per_s", rate_.per_s());
    std::fputs((object.line() + '\n').c_str(), stdout);
    std::fflush(stdout);
}

void Output::progress_bar(const Progress& progress) {
    const int64_t now = monotonic_ms();
    if (started_ms_ == 0) started_ms_ = now;
    if (now - started_ms_ < kBarAfter_ms || now - last_shown_ms_ < kBarEvery_ms) return;
    last_shown_ms_ = now;
    const std::string text = progress_text(progress, rate_.per_s());
    std::fputs(("\r\033[K" + fitted(text, bar_width_ > 1 ? bar_width_ - 1 : 79)).c_str(), stderr);
    bar_shown_ = true;
}

void Output::end_progress() {
    const std::lock_guard lock(mutex_);
    clear_bar();
    started_ms_ = last_shown_ms_ = 0;
    rate_ = {};
}

bool Output::flush() {
    const std::lock_guard lock(mutex_);
    clear_bar();
    return std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
}

}  // namespace bae::node
