#pragma once
// A bucket: named, immutable-by-convention byte strings that somebody else keeps. Nothing here trusts it.
//
// Paths: relative, '/'-separated, 1 to 512 bytes in all; segments are 1 to 255 bytes of [a-z0-9._-] that neither begin
// nor end with a dot (invalid_input otherwise), so that every file system and every S3 server stores them as they are.
// Every call is one attempt unless a decorator says otherwise (retry.h). Implementations are safe to call from several
// threads and, where the storage is shared, from several processes.
//
// Errors: not_found (no such object), conflict (something that is not an object stands at the path of a write: storages
// with directories cannot hold both "a" and "a/b"; never use both), denied (credentials, permissions), retry
// (transient: the outcome of a write may be either), unsupported (this storage cannot), cancelled, corrupt (storage
// broke its own protocol), invalid_input. Messages name the object and the remedy.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/base/bytes.h"

namespace bae::s3 {

// The bytes of an upload, readable at any offset and more than once (retries, parts).
class Body {
  public:
    virtual ~Body() = default;
    virtual uint64_t size() const = 0;
    virtual Result<void> read(uint64_t offset, ByteSpan out) = 0;  // exactly out.size() bytes, within size()
    // The path it goes to follows from its bytes, so a storage may use again what an earlier attempt has sent of it.
    virtual bool content_addressed() const { return false; }
};

class MemoryBody : public Body {  // does not own the bytes
  public:
    explicit MemoryBody(ByteView bytes) : bytes_(bytes) {}
    uint64_t size() const override { return bytes_.size(); }
    Result<void> read(uint64_t offset, ByteSpan out) override;

  private:
    ByteView bytes_;
};

struct ObjectInfo {
    std::string path;
    uint64_t size = 0;
    std::string version;  // changes whenever the bytes do (ETag; size-mtime-inode in a directory); opaque, may be empty
    int64_t modified_ms = 0;  // by the storage's clock, 0 if unknown
    bool operator==(const ObjectInfo&) const = default;
};

struct ListPage {
    std::vector<ObjectInfo> objects;  // ascending by path (bytes)
    bool truncated = false;           // more follow: list again after the last path
};

enum class PutOutcome { created, exists };

constexpr size_t kMostListed = 10'000'000;  // far more than a library has, and within the memory of a computer

class Bucket {
  public:
    virtual ~Bucket() = default;

    // Whole object, at most max_bytes (corrupt if larger: nothing of ours is).
    virtual Result<Bytes> get(std::string_view path, uint64_t max_bytes) = 0;
    // Bytes [offset, offset + length); shorter at the end of the object, empty at its end; invalid_input if offset >
    // size.
    virtual Result<Bytes> get_range(std::string_view path, uint64_t offset, uint64_t length) = 0;
    // Creates the object, durable when it returns, or reports `exists` without touching what is there. Never a mix: a
    // reader sees all bytes or no object. Two racing creators: one gets `created`. After `retry` either may have
    // happened.
    virtual Result<PutOutcome> put_if_absent(std::string_view path, Body& body) = 0;
    // Creates or replaces, durable when it returns; a reader sees the old bytes or the new.
    virtual Result<void> put(std::string_view path, Body& body) = 0;
    // Objects whose path starts with `prefix` and sorts after `after` (empty: from the first), at most `limit`
    // (1..1000). `prefix` is empty or the beginning of a path, which may end inside a name; `after` may be any text.
    virtual Result<ListPage> list(std::string_view prefix, std::string_view after, size_t limit) = 0;
    virtual Result<void> remove(std::string_view path) = 0;  // absent is fine
    virtual Result<ObjectInfo> stat(std::string_view path) = 0;

    // The storage's clock (Date header, milliseconds since 1970) as of the newest answer, if it has one.
    virtual std::optional<int64_t> clock_ms() const { return std::nullopt; }
    virtual std::string describe() const = 0;  // for people: "directory /mnt/nas/music", never credentials

    Result<PutOutcome> put_if_absent(std::string_view path, ByteView bytes);
    Result<void> put(std::string_view path, ByteView bytes);
    // Every page; corrupt if the storage's pages do not advance, or have more than `most` objects.
    Result<std::vector<ObjectInfo>> list_all(std::string_view prefix, size_t most = kMostListed);
};

Result<void> check_path(std::string_view path);
bool is_path_segment(std::string_view name);
// What list() takes: invalid_input unless `prefix` is the beginning of a path and limit is 1..1000.
Result<void> check_list(std::string_view prefix, size_t limit);

}  // namespace bae::s3
