#pragma once
// A library in a temporary directory, music to import into it, and its rows as text.
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <set>

#include "node/import/grouping.h"
#include "node/import/import.h"

namespace bae::node::test {

namespace fs = std::filesystem;

class TemporaryDirectory {
  public:
    TemporaryDirectory();
    ~TemporaryDirectory();
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
    const fs::path& path() const { return path_; }

  private:
    fs::path path_;
};

struct Library {
    explicit Library(const fs::path& home);
    ImportOptions options(std::vector<std::string> paths) const;
    Result<ImportReport> run(std::vector<std::string> paths) {
        return run_import(*database, options(std::move(paths)));
    }
    ImportReport import(std::vector<std::string> paths);  // must succeed

    using Row = std::map<std::string, std::string>;  // NULL: no entry; bytes in hex
    std::vector<Row> rows(const std::string& sql);
    std::string value(const std::string& sql);  // of the first row and column
    // Every synced row, sorted; without stamps and dates of import.
    std::vector<std::string> dump();
    uint64_t transactions();  // in the outbox

    fs::path home;
    std::unique_ptr<sync::Database> database;
};

std::map<std::string, std::string> sha256sums(const std::vector<fs::path>& files);      // hex by path, by sha256sum
void set_tag(const fs::path& flac, const std::string& name, const std::string& value);  // "" removes it
std::vector<fs::path> files_below(const fs::path& folder);                              // regular ones, sorted

// What a program prints; fails the test if it cannot be run.
std::string output_of(const std::string& command);
std::string shell_word(const fs::path& path);  // for the shell
void write_file(const fs::path& path, std::string_view bytes);
std::string read_file(const fs::path& path);
fs::path media(const std::string& folder);  // of the test media

}  // namespace bae::node::test
