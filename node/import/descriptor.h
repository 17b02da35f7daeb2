#pragma once
// Open files that close themselves, and files that have no name worth keeping until they are whole.
#include <string>
#include <utility>

#include "crypto/base/bytes.h"

namespace bae::node {

class Descriptor {
  public:
    Descriptor() = default;
    explicit Descriptor(int descriptor) : descriptor_(descriptor) {}
    ~Descriptor();
    Descriptor(Descriptor&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(descriptor_, other.descriptor_);
        return *this;
    }
    explicit operator bool() const { return descriptor_ >= 0; }
    int get() const { return descriptor_; }

  private:
    int descriptor_ = -1;
};

Result<void> write_full(int descriptor, ByteView bytes);

// ".import-XXXXXX" in a directory, removed again unless kept.
class TemporaryFile {
  public:
    static Result<TemporaryFile> create(const std::string& directory);
    TemporaryFile() = default;
    ~TemporaryFile();
    TemporaryFile(TemporaryFile&& other) noexcept
        : file_(std::move(other.file_)), path_(std::exchange(other.path_, {})) {}
    TemporaryFile& operator=(TemporaryFile&& other) noexcept {
        std::swap(file_, other.file_);
        std::swap(path_, other.path_);
        return *this;
    }
    int descriptor() const { return file_.get(); }
    Result<void> sync();
    std::string keep() { return std::exchange(path_, {}); }  // its path; the caller renames or removes it

  private:
    Descriptor file_;
    std::string path_;
};

bool file_is_gone(const std::string& path);  // certainly not there; false if that cannot be told

// Gives `temporary` its name for good; an existing file of that name stays, error conflict. Both on one file system.
Result<void> publish_file(const std::string& temporary, const std::string& path);

}  // namespace bae::node
