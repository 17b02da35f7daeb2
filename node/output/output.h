#pragma once
// What the command line says: results on standard output, everything else on standard error. One per process; its
// methods may be called from several threads.
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

#include "node/output/json.h"
#include "node/output/rate.h"

namespace bae::node {

// How far something long is. With `total_bytes` it is told in files and bytes, with their rate.
struct Progress {
    std::string_view phase;
    uint64_t done = 0, total = 0;  // total 0: not known yet
    uint64_t bytes = 0, total_bytes = 0;
    std::string_view detail = {};
};
// Its line for people: "audio [####    ] 12 of 41 files, 310.0 MB of 1.2 GB, 24.0 MB/s name", safe to show.
std::string progress_text(const Progress& at, uint64_t bytes_per_s);

class Output {
  public:
    enum class Format { people, json };
    Output(Format format, bool quiet);
    ~Output();
    Output(const Output&) = delete;
    Output& operator=(const Output&) = delete;

    bool json() const { return format_ == Format::json; }
    bool quiet() const { return quiet_; }
    bool color() const { return color_; }
    size_t width() const { return width_; }  // of the terminal, 0 if standard output is none

    // Results. `print` takes text that is safe to show and adds nothing.
    void print(std::string_view text);
    void line(std::string_view text);
    void line(const JsonObject& object) { line(object.line()); }
    // One line that holds a secret: straight to the system, so that no buffer keeps it. False as for flush.
    bool secret_line(std::string_view before, std::string_view secret, std::string_view after = {});
    // For people only: dropped with --quiet and with --json.
    void note(std::string_view text);
    void remark(std::string_view text);  // the same on standard error, beside a result that is one line
    void warn(std::string_view text);    // standard error, also with --quiet
    void error(std::string_view text);   // standard error

    // A bar on standard error for what takes over a second; with --json a line on standard output at most every
    // half second.
    void progress(const Progress& progress);
    void progress(std::string_view phase, uint64_t done, uint64_t total, std::string_view detail = {}) {
        progress(Progress{.phase = phase, .done = done, .total = total, .detail = detail});
    }
    void end_progress();
    // Hears of every step, also with --quiet, on the thread that makes it. Before anything else is called.
    void listen(std::function<void(const Progress&)> listener) { listener_ = std::move(listener); }
    // Hands all of it to the system. False: standard output does not take it (closed, disk full).
    bool flush();

  private:
    void clear_bar();
    void progress_json(const Progress& progress);
    void progress_bar(const Progress& progress);
    const Format format_;
    const bool quiet_;
    bool color_ = false;
    bool bar_terminal_ = false;  // standard error is a terminal
    size_t width_ = 0, bar_width_ = 0;
    std::function<void(const Progress&)> listener_;
    std::mutex mutex_;
    bool bar_shown_ = false;
    int64_t started_ms_ = 0, last_shown_ms_ = 0;
    Rate rate_;
};

}  // namespace bae::node
