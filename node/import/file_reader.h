#pragma once
// Reads one file once: hash, chunk hashes, mark of the sound, tags, properties and picture from the same pass, and,
// when copying, the copy too. One reader per thread.
#include <optional>
#include <string>

#include "crypto/ids.h"
#include "node/import/file_tags.h"

namespace bae::node {

// What the file system says of a file; equal = unchanged without reading.
struct FileIdentity {
    int64_t size = 0, mtime_ns = 0, inode = 0;
    bool operator==(const FileIdentity&) const = default;
};

struct ReadFile {
    FileIdentity identity;
    crypto::Hash256 hash;
    Bytes chunk_hashes;
    Bytes audio_mark;
    MediaType type = MediaType::none;  // none: not audio, and nothing else here is filled in
    AudioProperties properties;
    FileTags tags;
    Bytes marks;
    std::optional<Bytes> picture;
    std::vector<std::string> notes;
    std::string temporary_copy;  // of these bytes, fsynced; "" unless copying
};

class FileReader {
  public:
    // `copy_to`: a directory on the file system the copies will stay on; "" to copy nothing.
    explicit FileReader(std::string copy_to) : copy_to_(std::move(copy_to)) {}

    // not_found, denied, retry as errno says; invalid_input: not a regular file; corrupt: damaged audio, changed while
    // it was read. A file that is no audio at all is `none` when the name does not claim it (hint none), else corrupt.
    Result<ReadFile> read(const std::string& path, MediaType hint);

  private:
    Result<ReadFile> read_open(int descriptor, const FileIdentity& identity, MediaType hint);
    Result<void> hash_small(int descriptor, ReadFile& file, int copy);
    Result<void> hash_large(DescriptorSource& source, ReadFile& file, int copy);

    std::string copy_to_;
    Bytes buffer_;
};

// The whole of a small file (artwork), refused beyond max_bytes.
Result<Bytes> read_whole(const std::string& path, size_t max_bytes);

}  // namespace bae::node
