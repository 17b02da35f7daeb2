#pragma once
// One row of the table of ratios, and what the measurements share.
#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "sync/database.h"

namespace bae::benchmarks {

struct Options {
    double scale = 1;
    std::string only;  // "" for all
    bool json = false;
    std::filesystem::path directory = std::filesystem::temp_directory_path();
};

struct Row {
    std::string name, what;
    double ours = 0, reference = 0;  // reference 0: none, the goal is about `ours`
    std::string unit, command;       // what the reference is
    double goal = 0;
    bool at_most = false;
    double ratio() const { return ours / reference; }
};
using Rows = std::vector<Row>;

Result<Rows> measure_capture(const Options& options);
Result<Rows> measure_edit(const Options& options);
Result<Rows> measure_merge(const Options& options);
Result<Rows> measure_log_size(const Options& options);

class Stopwatch {
  public:
    void start() { from_ = std::chrono::steady_clock::now(); }
    void stop() { spent_ += std::chrono::steady_clock::now() - from_; }
    double seconds() const { return std::chrono::duration<double>(spent_).count(); }

  private:
    std::chrono::steady_clock::time_point from_;
    std::chrono::steady_clock::duration spent_{};
};

// A directory that is removed with what is in it.
class Scratch {
  public:
    explicit Scratch(const std::filesystem::path& in);
    ~Scratch();
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
};

std::span<const EmbeddedFile> music_schema();
Result<std::unique_ptr<sync::Database>> open_library(const std::filesystem::path& path, uint8_t device);
// The same schema and pragmas on a plain connection without capture; stamp() is a constant.
Result<std::unique_ptr<sync::sqlite::Connection>> open_plain(const std::filesystem::path& path, bool foreign_keys);
size_t batches(double rows);  // at least one

}  // namespace bae::benchmarks
