#include "node/blobs/sealed_file.h"

#include <fmt/format.h>

#include "node/interrupt.h"
#include "node/output/escape.h"

namespace bae::node {

using crypto::kBlobChunkPlainBytes;
using crypto::kBlobChunkSealedBytes;

static tl::unexpected<Error> changed(const File& file) {
    return fail(ErrorKind::conflict,
                fmt::format("{} is not the file that was imported; import it again", shown(file.path().native())));
}

SealedFile::SealedFile(File file, const crypto::BlobKey& key, Bytes chunk_hashes)
    : file_(std::move(file)), key_(&key), chunk_hashes_(std::move(chunk_hashes)), plain_(kBlobChunkPlainBytes) {}

Result<SealedFile> SealedFile::open(const std::filesystem::path& path, const crypto::BlobKey& key, Bytes chunk_hashes) {
    File file = TRY(File::open_to_read(path));
    const bool same_size = TRY(file.size()) == key.plain_size();
    if (!same_size || chunk_hashes.size() != key.chunk_count() * crypto::ChunkHash::kSize) return changed(file);
    return SealedFile(std::move(file), key, std::move(chunk_hashes));
}

Result<void> SealedFile::seal(uint64_t index, ByteSpan out) {
    if (interrupted()) return fail(ErrorKind::cancelled, "interrupted");
    const ByteSpan plain = ByteSpan(plain_).first(key_->chunk_plain_size(index));
    if (TRY(file_.read(index * kBlobChunkPlainBytes, plain)) != plain.size()) return changed(file_);
    crypto::ChunkHash expected;
    std::memcpy(expected.bytes.data(), chunk_hashes_.data() + index * crypto::ChunkHash::kSize,
                crypto::ChunkHash::kSize);
    const Result<void> done = key_->seal_chunk(index, plain, expected, out);
    if (!done) return done.error().kind == ErrorKind::conflict ? changed(file_) : tl::unexpected<Error>(done.error());
    return {};
}

Result<void> SealedFile::load(uint64_t index) {
    if (loaded_ == index) return {};
    loaded_.reset();
    sealed_.resize(sealed_size(index));
    TRY(seal(index, sealed_));
    loaded_ = index;
    return {};
}

Result<void> SealedFile::read(uint64_t offset, ByteSpan out) {
    trouble_.reset();
    Result<void> done = copy_out(offset, out);
    if (!done) trouble_ = done.error();
    return done;
}

Result<void> SealedFile::copy_out(uint64_t offset, ByteSpan out) {
    while (!out.empty()) {
        const uint64_t index = offset / kBlobChunkSealedBytes;
        const size_t start = static_cast<size_t>(offset % kBlobChunkSealedBytes);
        const size_t length = std::min(out.size(), sealed_size(index) - start);
        if (length == sealed_size(index)) {
            TRY(seal(index, out.first(length)));
        } else {
            TRY(load(index));
            std::memcpy(out.data(), sealed_.data() + start, length);
        }
        out = out.subspan(length);
        offset += length;
    }
    return {};
}

Result<Bytes> hash_chunks(const std::filesystem::path& path, const crypto::Hash256& hash) {
    const File file = TRY(File::open_to_read(path));
    crypto::Sha256 whole;
    Bytes hashes, chunk(kBlobChunkPlainBytes);
    for (uint64_t at = 0;;) {
        if (interrupted()) return fail(ErrorKind::cancelled, "interrupted");
        const size_t size = TRY(file.read(at, chunk));
        if (size == 0 && at > 0) break;
        const ByteView read = ByteView(chunk).first(size);
        whole.update(read);
        append(hashes, crypto::chunk_hash(read).view());
        at += size;
        if (size < chunk.size()) break;
    }
    if (whole.finish() != hash) return changed(file);
    return hashes;
}

}  // namespace bae::node
