#pragma once
// A file on its way from a carrier: plaintext in a part file, hashed as it grows, given its name only as a whole. For
// one thread, which holds at most kWindowBytes of ciphertext at a time.
#include <filesystem>

#include "crypto/blob.h"
#include "node/blobs/meter.h"
#include "node/files.h"
#include "s3/bucket.h"

namespace bae::node {

// Asked for in one call, which an S3 bucket makes several ranges of.
constexpr uint64_t kWindowBytes = 256 * crypto::kBlobChunkSealedBytes;

struct IncomingFile {
    std::filesystem::path part;         // continued if it exists
    std::filesystem::path destination;  // the directory is made
    crypto::Hash256 hash;
    bool replaces = false;  // `destination` holds a damaged copy of our own; else what is there stays
    bool shared = false;    // the directories are made as the umask says, not for this user alone
    FileMeter* meter = nullptr;
};

// Where it came to lie: `destination`, or beside it with a number if that was taken by other bytes. not_found: the
// carrier does not have it; corrupt: what it has is damaged; cancelled: the part is kept; retry with Cause::locked:
// another process is at it. What is wrong with this disk is never not_found.
Result<std::filesystem::path> receive_blob(s3::Bucket& bucket, const std::string& path, const crypto::BlobKey& key,
                                           const IncomingFile& file);
// The same from a file of this disk.
Result<std::filesystem::path> receive_copy(const std::filesystem::path& from, uint64_t size, const IncomingFile& file);

}  // namespace bae::node
