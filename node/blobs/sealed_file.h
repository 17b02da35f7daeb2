#pragma once
// A file of this disk as the blob it becomes, sealed while it is sent. Every chunk is checked against the hash taken at
// import before a byte of it leaves: a key and a nonce must never meet two plaintexts. Whole chunks are sealed straight
// into the reader's buffer; a reader that asks for pieces which begin and end at multiples of 64 KiB pays for no copy.
// For one thread.
#include <optional>

#include "crypto/aead.h"
#include "crypto/blob.h"
#include "node/files.h"
#include "s3/bucket.h"

namespace bae::node {

class SealedFile : public s3::Body {
  public:
    // conflict: the file is not the one that was imported. `chunk_hashes`: 16 bytes per chunk.
    static Result<SealedFile> open(const std::filesystem::path& path, const crypto::BlobKey& key, Bytes chunk_hashes);

    uint64_t size() const override { return key_->sealed_size(); }
    bool content_addressed() const override { return true; }  // the blob id follows from hash, size and key
    // conflict as above; cancelled after an interrupt.
    Result<void> read(uint64_t offset, ByteSpan out) override;
    // The error of this disk that ended a read, as opposed to one of whoever the bytes were for.
    const std::optional<Error>& trouble() const { return trouble_; }

  private:
    SealedFile(File file, const crypto::BlobKey& key, Bytes chunk_hashes);
    size_t sealed_size(uint64_t index) const { return key_->chunk_plain_size(index) + crypto::kAeadTagBytes; }
    Result<void> seal(uint64_t index, ByteSpan out);
    Result<void> load(uint64_t index);
    Result<void> copy_out(uint64_t offset, ByteSpan out);
    std::optional<Error> trouble_;
    File file_;
    const crypto::BlobKey* key_;
    Bytes chunk_hashes_;
    Bytes plain_, sealed_;
    std::optional<uint64_t> loaded_;  // the chunk that `sealed_` holds
};

// The chunk hashes of a file whose bytes as a whole have this hash; conflict: they do not. Reads all of it.
Result<Bytes> hash_chunks(const std::filesystem::path& path, const crypto::Hash256& hash);

}  // namespace bae::node
