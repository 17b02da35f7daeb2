#include "crypto/blob.h"

#include <algorithm>

namespace bae::crypto {

namespace {

constexpr uint64_t kMaxBatchChunks = 256;  // 16 MiB of sealed bytes in memory at a time

SecretKey file_key(const SecretKey& release_key, const Hash256& file_hash, uint64_t plain_size) {
    Bytes info = to_bytes(as_bytes("bae-file-v1:"));
    append(info, file_hash.view());
    for (int shift = 0; shift < 64; shift += 8) info.push_back(static_cast<std::byte>(plain_size >> shift & 255));
    return hkdf(release_key.view(), info);
}

BlobId blob_id(const SecretKey& key) {
    const SecretKey derived = hkdf(key.view(), as_bytes("bae-blob-id-v1"));
    BlobId out;
    std::copy_n(derived.view().begin(), out.bytes.size(), out.bytes.begin());
    return out;
}

AeadNonce chunk_nonce(uint64_t index, bool last) {
    AeadNonce nonce{};
    write_big_endian(ByteSpan(nonce).subspan(15, 8), index);
    nonce[23] = std::byte{last};
    return nonce;
}

}  // namespace

uint64_t blob_chunk_count(uint64_t plain_size) {
    if (plain_size == 0) return 1;
    return (plain_size - 1) / kBlobChunkPlainBytes + 1;
}

uint64_t blob_sealed_size(uint64_t plain_size) { return plain_size + blob_chunk_count(plain_size) * kAeadTagBytes; }

ChunkHash chunk_hash(ByteView plain_chunk) {
    const Hash256 whole = sha256(plain_chunk);
    ChunkHash out;
    std::copy_n(whole.bytes.begin(), out.bytes.size(), out.bytes.begin());
    return out;
}

BlobKey::BlobKey(const SecretKey& release_key, const Hash256& file_hash, uint64_t plain_size)
    : BlobKey(file_key(release_key, file_hash, plain_size), plain_size) {}

BlobKey::BlobKey(const SecretKey& file_key, uint64_t plain_size)
    : aead_(file_key.view()), id_(blob_id(file_key)), plain_size_(plain_size) {}

size_t BlobKey::chunk_plain_size(uint64_t index) const {
    return std::min<uint64_t>(kBlobChunkPlainBytes, plain_size_ - index * kBlobChunkPlainBytes);
}

Result<void> BlobKey::seal_chunk(uint64_t index, ByteView plain, const ChunkHash& expected, ByteSpan out) const {
    if (index >= chunk_count() || plain.size() != chunk_plain_size(index))
        return fail(ErrorKind::invalid_input, "blob " + id_.text() + " has no such chunk: " + std::to_string(index) +
                                                  " of " + std::to_string(plain.size()) + " bytes");
    CHECK(out.size() == plain.size() + kAeadTagBytes);
    if (chunk_hash(plain) != expected)
        return fail(ErrorKind::conflict, "the file changed since it was imported; import it again");
    aead_.seal(chunk_nonce(index, index + 1 == chunk_count()), {}, plain, out);
    return {};
}

Result<void> BlobKey::open_chunk(uint64_t index, ByteView sealed, ByteSpan out) const {
    if (index >= chunk_count() || sealed.size() != chunk_plain_size(index) + kAeadTagBytes)
        return fail(ErrorKind::corrupt,
                    "blob " + id_.text() + ": chunk " + std::to_string(index) + " has a wrong size");
    CHECK(out.size() == sealed.size() - kAeadTagBytes);
    if (!aead_.open(chunk_nonce(index, index + 1 == chunk_count()), {}, sealed, out))
        return fail(ErrorKind::corrupt,
                    "blob " + id_.text() + ": the seal of chunk " + std::to_string(index) + " is broken");
    return {};
}

namespace {

// The part [offset, offset + out.size()) of the plaintext, chunk by chunk.
class RangeReader {
  public:
    RangeReader(const BlobKey& key, uint64_t offset, ByteSpan out) : key_(key), offset_(offset), out_(out) {}

    // `sealed` holds chunks `first`, `first` + 1, ... whole.
    Result<void> take(uint64_t first, ByteView sealed) {
        for (uint64_t index = first; !sealed.empty(); index++) {
            const ByteView chunk = sealed.first(std::min(sealed.size(), kBlobChunkSealedBytes));
            sealed = sealed.subspan(chunk.size());
            TRY(take_chunk(index, chunk));
        }
        return {};
    }

  private:
    Result<void> take_chunk(uint64_t index, ByteView sealed) {
        const uint64_t start = index * kBlobChunkPlainBytes;
        const uint64_t size = sealed.size() - kAeadTagBytes;
        const uint64_t from = std::max(start, offset_);
        const uint64_t to = std::min(start + size, offset_ + out_.size());
        const ByteSpan wanted = out_.subspan(from - offset_, to - from);
        if (wanted.size() == size) return key_.open_chunk(index, sealed, wanted);
        scratch_.resize(size);
        TRY(key_.open_chunk(index, sealed, scratch_));
        std::ranges::copy(ByteView(scratch_).subspan(from - start, wanted.size()), wanted.begin());
        return {};
    }

    const BlobKey& key_;
    uint64_t offset_;
    ByteSpan out_;
    Bytes scratch_;
};

}  // namespace

Result<Bytes> read_blob_range(const BlobKey& key, uint64_t offset, uint64_t length, const SealedRange& fetch) {
    if (offset > key.plain_size() || length > key.plain_size() - offset)
        return fail(ErrorKind::invalid_input,
                    "blob " + key.id().text() + " ends at byte " + std::to_string(key.plain_size()));
    Bytes out(length);
    if (length == 0) return out;
    RangeReader reader(key, offset, out);
    const uint64_t end = (offset + length - 1) / kBlobChunkPlainBytes + 1;
    for (uint64_t first = offset / kBlobChunkPlainBytes; first < end; first += kMaxBatchChunks) {
        const uint64_t sealed_at = first * kBlobChunkSealedBytes;
        const uint64_t sealed_end =
            std::min(std::min(end, first + kMaxBatchChunks) * kBlobChunkSealedBytes, key.sealed_size());
        const Bytes sealed = TRY(fetch(sealed_at, sealed_end - sealed_at));
        if (sealed.size() != sealed_end - sealed_at)
            return fail(ErrorKind::corrupt, "blob " + key.id().text() + " is cut short");
        TRY(reader.take(first, sealed));
    }
    return out;
}

}  // namespace bae::crypto
