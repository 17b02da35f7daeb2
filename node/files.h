#pragma once
// Small steps on the file system with errors that name the file. Names of files are shown escaped in messages.
#include <filesystem>
#include <optional>
#include <string>

#include "crypto/base/bytes.h"

namespace bae::node {

std::optional<uint64_t> free_bytes(const std::filesystem::path& path);  // of the file system it is on, for this user
bool file_exists(const std::filesystem::path& path);                    // of any kind; a dangling link exists
Result<std::string> read_small_file(const std::filesystem::path& path, size_t max_bytes);  // invalid_input if larger
// Written beside it, fsynced, renamed into place; of several at once the last one counts.
Result<void> write_file_durably(const std::filesystem::path& path, ByteView bytes, unsigned mode);
Result<void> copy_private_file(const std::filesystem::path& from, const std::filesystem::path& to);  // mode 0600
// `mode` for those made here, less the umask.
Result<void> make_directories(const std::filesystem::path& path, unsigned mode = 0700);
Result<void> rename_file(const std::filesystem::path& from, const std::filesystem::path& to);
// Never replaces: false if `to` is taken. Works on file systems (NFS, FUSE, FAT) that cannot say so in one step.
Result<bool> rename_if_free(const std::filesystem::path& from, const std::filesystem::path& to);
Result<bool> link_if_free(const std::filesystem::path& from, const std::filesystem::path& to);        // the second way
Result<bool> reserve_and_rename(const std::filesystem::path& from, const std::filesystem::path& to);  // the third
Result<void> sync_directory(const std::filesystem::path& path);
Result<void> sync_file_system(const std::filesystem::path& path);  // everything written to the one `path` is on

// An open file. Move-only.
class File {
  public:
    static Result<File> open_to_read(const std::filesystem::path& path);
    // Made if missing, with `mode` less the umask.
    static Result<File> open_to_append(const std::filesystem::path& path, unsigned mode = 0600);
    ~File();
    File(File&& other) noexcept;
    File& operator=(File&& other) noexcept;

    Result<uint64_t> size() const;
    Result<size_t> read(uint64_t offset, ByteSpan out) const;  // less than out.size() only at the end
    Result<void> write(uint64_t offset, ByteView bytes);
    void start_writing_out(uint64_t offset, uint64_t length);  // so that a later sync() finds less to do
    Result<void> truncate(uint64_t size);
    Result<void> sync();
    Result<bool> try_lock();              // against other processes, until it is closed; false: another has it
    Result<bool> is_at_its_path() const;  // false: it was renamed or removed, or another has its name
    const std::filesystem::path& path() const { return path_; }

  private:
    File(int descriptor, std::filesystem::path path) : descriptor_(descriptor), path_(std::move(path)) {}
    tl::unexpected<Error> failure(int error) const;
    int descriptor_ = -1;
    std::filesystem::path path_;
};

}  // namespace bae::node
