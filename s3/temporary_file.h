#pragma once
// Private to the directory bucket: bytes on their way in. They are written under a random name in root/.tmp and get the
// object's name in one step, so that a reader sees all of them or nothing.
#include "s3/directory_files.h"

namespace bae::s3 {

class TemporaryFile {
  public:
    // All bytes of `body`, flushed if durability asks. The file is removed again if anything fails.
    static Result<TemporaryFile> write(int root, Body& body, const FileCalls& calls, Durability durability);
    ~TemporaryFile();
    TemporaryFile(TemporaryFile&& other) noexcept = default;
    TemporaryFile& operator=(TemporaryFile&&) = delete;

    // Gives it the name of an object that does not exist; `exists` leaves what is there.
    Result<PutOutcome> publish_if_absent(const Place& place, std::string_view path, const FileCalls& calls);
    // Gives it the name of an object, in place of what is there.
    Result<void> publish(const Place& place, std::string_view path);

  private:
    explicit TemporaryFile(Descriptor directory) : directory_(std::move(directory)) {}
    static Result<TemporaryFile> create(int root);
    Result<void> fill(Body& body);
    int rename_under_lock(const Place& place, std::string_view path);
    bool break_stale_lock(const std::string& lock);

    Descriptor directory_;  // root/.tmp
    std::string name_;
    Descriptor file_;
};

// Removes what crashed programs left in root/.tmp more than a day ago, by the storage's own clock; as far as it can.
void remove_stale_temporaries(int root);

}  // namespace bae::s3
