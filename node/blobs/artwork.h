#pragma once
// Pictures in the home's artwork directory, named by the SHA-256 of their bytes, and the same as blobs.
#include <filesystem>

#include "node/blobs/blob.h"
#include "node/home.h"

namespace bae::node {

std::filesystem::path artwork_path(const HomePaths& home, const Blob& blob);
// corrupt if the bytes are not those of the row.
Result<Bytes> read_artwork(const std::filesystem::path& path, const Blob& blob);
// `plain` has been read by read_artwork.
Result<Bytes> sealed_artwork(const crypto::BlobKey& key, ByteView plain);
// Fetches and verifies. not_found: the carrier does not have it; corrupt: what it has is damaged.
Result<Bytes> fetch_artwork(s3::Bucket& bucket, const Blob& blob, const crypto::BlobKey& key);
// Writes durably. Several rows may stand for one picture, so it may be there already.
Result<void> store_artwork(const std::filesystem::path& path, ByteView plain);

}  // namespace bae::node
