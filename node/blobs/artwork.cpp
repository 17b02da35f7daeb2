#include "node/blobs/artwork.h"

#include <fmt/format.h>

#include "crypto/aead.h"
#include "crypto/base/crash_point.h"
#include "node/files.h"
#include "node/import/import.h"
#include "node/output/escape.h"

namespace bae::node {

std::filesystem::path artwork_path(const HomePaths& home, const Blob& blob) {
    return artwork_path(home.artwork().native(), blob.hash);
}

static tl::unexpected<Error> damaged(const Blob& blob) {
    return fail(ErrorKind::corrupt, fmt::format("the picture {} is damaged", shown(blob.name)));
}

Result<Bytes> read_artwork(const std::filesystem::path& path, const Blob& blob) {
    const File file = TRY(File::open_to_read(path));
    Bytes bytes(static_cast<size_t>(blob.size));
    const bool complete = TRY(file.read(0, bytes)) == bytes.size();
    if (!complete || crypto::sha256(bytes) != blob.hash) return damaged(blob);
    return bytes;
}

Result<Bytes> sealed_artwork(const crypto::BlobKey& key, ByteView plain) {
    Bytes sealed(static_cast<size_t>(key.sealed_size()));
    for (uint64_t i = 0; i < key.chunk_count(); ++i) {
        const size_t start = static_cast<size_t>(i) * crypto::kBlobChunkPlainBytes;
        const ByteView chunk = plain.subspan(start, std::min(plain.size() - start, crypto::kBlobChunkPlainBytes));
        const ByteSpan out = ByteSpan(sealed).subspan(static_cast<size_t>(i) * crypto::kBlobChunkSealedBytes,
                                                      chunk.size() + crypto::kAeadTagBytes);
        TRY(key.seal_chunk(i, chunk, crypto::chunk_hash(chunk), out));
    }
    return sealed;
}

Result<Bytes> fetch_artwork(s3::Bucket& bucket, const Blob& blob, const crypto::BlobKey& key) {
    const Bytes sealed = TRY(bucket.get(blob_path(BlobKind::image, key.id()), key.sealed_size()));
    if (sealed.size() != key.sealed_size()) return damaged(blob);
    const auto part = [&](uint64_t offset, uint64_t length) -> Result<Bytes> {
        return to_bytes(ByteView(sealed).subspan(static_cast<size_t>(offset), static_cast<size_t>(length)));
    };
    Result<Bytes> plain = crypto::read_blob_range(key, 0, blob.size, part);
    if (!plain || crypto::sha256(*plain) != blob.hash) return damaged(blob);
    return plain;
}

Result<void> store_artwork(const std::filesystem::path& path, ByteView plain) {
    TRY(make_directories(path.parent_path()));
    CRASH_POINT("blobs: picture fetched");
    return write_file_durably(path, plain, 0600);
}

}  // namespace bae::node
