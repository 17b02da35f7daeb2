#pragma once
// Blobs: encrypted files (audio, artwork). No header; what is needed to read one is in the signed row that names it.
//
//   file key = HKDF-SHA256(ikm = release key, salt empty,
//                          info = "bae-file-v1:" + SHA-256 of the plaintext + size (8, little-endian))
//   chunk i  = XChaCha20-Poly1305(file key, nonce = 0^15 . i (8, big-endian) . last? (1),
//                                 65,520 bytes) -> 65,536 bytes
//   blob id  = first 16 bytes of HKDF(file key, "bae-blob-id-v1")
//
// The last chunk may be shorter, and is empty only if the file is (then the blob is one 16-byte tag).
#include <functional>
#include <span>

#include "crypto/aead.h"
#include "crypto/keys.h"

namespace bae::crypto {

constexpr size_t kBlobChunkPlainBytes = 65520;
constexpr size_t kBlobChunkSealedBytes = 65536;

uint64_t blob_chunk_count(uint64_t plain_size);  // at least 1
uint64_t blob_sealed_size(uint64_t plain_size);

using ChunkHash = FixedBytes<16>;  // first 16 bytes of SHA-256 of a plaintext chunk, taken at import
ChunkHash chunk_hash(ByteView plain_chunk);

// One thread at a time, like an Aead; const or not; make one per thread or per file. Sizes are below 2^63.
class BlobKey {
  public:
    BlobKey(const SecretKey& release_key, const Hash256& file_hash, uint64_t plain_size);
    const BlobId& id() const { return id_; }
    uint64_t plain_size() const { return plain_size_; }
    uint64_t sealed_size() const { return blob_sealed_size(plain_size_); }
    uint64_t chunk_count() const { return blob_chunk_count(plain_size_); }
    size_t chunk_plain_size(uint64_t index) const;  // of a chunk that exists

    // Seals chunk `index` into `out` (plain.size() + 16 bytes). `plain` must be the whole chunk (invalid_input
    // otherwise), in memory that nothing else writes meanwhile (no file mapping). Refuses (conflict) a chunk whose hash
    // is not `expected`: a (key, nonce) pair must never meet two plaintexts.
    Result<void> seal_chunk(uint64_t index, ByteView plain, const ChunkHash& expected, ByteSpan out) const;
    // Opens chunk `index`; `out` is sealed.size() - 16 bytes. corrupt if anything differs.
    Result<void> open_chunk(uint64_t index, ByteView sealed, ByteSpan out) const;

  private:
    BlobKey(const SecretKey& file_key, uint64_t plain_size);
    mutable Aead aead_;  // remembers only what the key and the nonce say
    BlobId id_;
    uint64_t plain_size_;
};

// Reads `length` sealed bytes at `offset` from wherever the blob lies.
using SealedRange = std::function<Result<Bytes>(uint64_t offset, uint64_t length)>;
// Plaintext [offset, offset + length) by fetching only the chunks it touches, at most 16 MiB at a time; invalid_input
// beyond the end.
Result<Bytes> read_blob_range(const BlobKey& key, uint64_t offset, uint64_t length, const SealedRange& fetch);

}  // namespace bae::crypto
