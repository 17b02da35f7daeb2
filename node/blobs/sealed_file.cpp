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
    : file_(std::move(file)),
      key_(&key),
      chunk_hashes_(std::move(chunk_hashes)),
      plain_(kBlobChunkPlainBytes),
      sealed_(kBlobChunkSealedBytes) {}

Result<SealedFile> SealedFile::open(const std::filesystem::path& path, const crypto::BlobKey& key, Bytes chunk_hashes) {
    File file = TRY(File::open_to_read(path));
    const bool same_size = TRY(file.size()) == key.plain_size();
    if (!same_size || chunk_hashes.size() != key.chunk_count() * crypto::ChunkHash::kSize) return changed(file);
    return SealedFile(std::move(file), key, std::move(chunk_hashes));
}

Result<void> SealedFile::load(uint64_t index) {
    if (loaded_ == index) return {};
    if (interrupted()) return fail(ErrorKind::cancelled, "interrupted");
    loaded_.reset();
    const uint64_t offset = index * kBlobChunkPlainBytes;
    const size_t length = static_cast<size_t>(std::min<uint64_t>(kBlobChunkPlainBytes, key_->plain_size() - offset));
    const ByteSpan plain = ByteSpan(plain_).first(length);
    if (TRY(file_.read(offset, plain)) != length) return changed(file_);
    crypto::ChunkHash expected;
    std::memcpy(expected.bytes.data(), chunk_hashes_.data() + index * crypto::ChunkHash::kSize,
                crypto::ChunkHash::kSize);
    sealed_.resize(length + crypto::kAeadTagBytes);
    const Result<void> done = key_->seal_chunk(index, plain, expected, sealed_);
    if (!done) return done.error().kind == ErrorKind::conflict ? changed(file_) : tl::unexpected<Error>(done.error());
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
        TRY(load(offset / kBlobChunkSealedBytes));
        const size_t start = static_cast<size_t>(offset % kBlobChunkSealedBytes);
        const size_t length = std::min(out.size(), sealed_.size() - start);
        std::memcpy(out.data(), sealed_.data() + start, length);
        out = out.subspan(length);
        offset += length;
    }
    return {};
}

}  // namespace bae::node
