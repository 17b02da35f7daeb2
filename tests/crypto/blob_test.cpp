#include "crypto/blob.h"

#include <gtest/gtest.h>

#include "crypto/fixtures.h"

namespace bae::crypto {
namespace {

class Blob : public ::testing::Test {
  protected:
    BlobKey key_for(ByteView plain) { return BlobKey(release_key, sha256(plain), plain.size()); }

    Bytes seal_all(const BlobKey& key, ByteView plain) {
        Bytes blob(key.sealed_size());
        for (uint64_t i = 0; i < key.chunk_count(); i++) {
            const ByteView chunk = plain.subspan(i * kBlobChunkPlainBytes, key.chunk_plain_size(i));
            const ByteSpan out = ByteSpan(blob).subspan(i * kBlobChunkSealedBytes, chunk.size() + 16);
            EXPECT_TRUE(key.seal_chunk(i, chunk, chunk_hash(chunk), out).has_value()) << i;
        }
        return blob;
    }

    // Counts what is fetched.
    SealedRange from(const Bytes& blob) {
        return [this, &blob](uint64_t offset, uint64_t length) -> Result<Bytes> {
            fetched += length;
            return to_bytes(ByteView(blob).subspan(offset, length));
        };
    }

    SeededRandom random{5};
    SecretKey release_key = SecretKey::random(random);
    uint64_t fetched = 0;
};

TEST_F(Blob, SizesAreOfWholeChunksAndTheRest) {
    EXPECT_EQ(blob_chunk_count(0), 1U);
    EXPECT_EQ(blob_sealed_size(0), 16U);
    EXPECT_EQ(blob_chunk_count(1), 1U);
    EXPECT_EQ(blob_chunk_count(65520), 1U);
    EXPECT_EQ(blob_sealed_size(65520), 65536U);
    EXPECT_EQ(blob_chunk_count(65521), 2U);
    EXPECT_EQ(blob_sealed_size(65521), 65536U + 17U);
    const uint64_t largest = (uint64_t{1} << 63) - 1;
    EXPECT_GT(blob_sealed_size(largest), largest) << "no overflow";
}

TEST_F(Blob, ReadsBackWholeAtEverySizeAroundAChunk) {
    for (size_t size : {size_t{0}, size_t{1}, kBlobChunkPlainBytes - 1, kBlobChunkPlainBytes, kBlobChunkPlainBytes + 1,
                        3 * kBlobChunkPlainBytes, 3 * kBlobChunkPlainBytes + 5}) {
        const Bytes plain = random.bytes(size);
        const BlobKey key = key_for(plain);
        const Bytes blob = seal_all(key, plain);
        EXPECT_EQ(blob, seal_all(key_for(plain), plain)) << "the same file is the same blob";
        EXPECT_EQ(read_blob_range(key, 0, size, from(blob)).value(), plain) << size;
    }
}

TEST_F(Blob, AnyRangeIsThatPartAndFetchesOnlyItsChunks) {
    const Bytes plain = random.bytes(5 * kBlobChunkPlainBytes + 1234);
    const BlobKey key = key_for(plain);
    const Bytes blob = seal_all(key, plain);
    for (int i = 0; i < 300; i++) {
        const uint64_t offset = random.below(plain.size() + 1);
        const uint64_t length = random.below(std::min<uint64_t>(plain.size() - offset, i % 2 == 0 ? 100 : 400'000) + 1);
        fetched = 0;
        const auto part = read_blob_range(key, offset, length, from(blob));
        ASSERT_TRUE(part.has_value());
        EXPECT_TRUE(equal(*part, ByteView(plain).subspan(offset, length))) << offset << " " << length;
        EXPECT_LE(fetched, length == 0 ? 0 : length + 2 * kBlobChunkSealedBytes + 16 * 6) << offset << " " << length;
    }
}

TEST_F(Blob, ARangeOfManyChunksComesInPieces) {
    const Bytes plain = random.bytes(300 * kBlobChunkPlainBytes);
    const BlobKey key = key_for(plain);
    const Bytes blob = seal_all(key, plain);
    uint64_t largest = 0;
    const auto part = read_blob_range(key, 10, plain.size() - 20, [&](uint64_t offset, uint64_t length) {
        largest = std::max(largest, length);
        return from(blob)(offset, length);
    });
    EXPECT_TRUE(equal(part.value(), ByteView(plain).subspan(10, plain.size() - 20)));
    EXPECT_LE(largest, uint64_t{16} << 20);
    EXPECT_EQ(fetched, blob.size());
}

TEST_F(Blob, BeyondItsEndIsInvalidInput) {
    const Bytes plain = random.bytes(100);
    const BlobKey key = key_for(plain);
    const Bytes blob = seal_all(key, plain);
    for (auto [offset, length] :
         {std::pair<uint64_t, uint64_t>{0, 101}, {101, 0}, {50, 51}, {50, UINT64_MAX}, {UINT64_MAX, 1}})
        EXPECT_EQ(read_blob_range(key, offset, length, from(blob)).error().kind, ErrorKind::invalid_input)
            << offset << " " << length;
    EXPECT_EQ(fetched, 0U);
}

TEST_F(Blob, WhatStorageCutsShortOrRefusesIsReported) {
    const Bytes plain = random.bytes(100);
    const BlobKey key = key_for(plain);
    const Bytes blob = seal_all(key, plain);
    const auto shorter = [&](uint64_t, uint64_t length) -> Result<Bytes> {
        return to_bytes(ByteView(blob).first(length - 1));
    };
    const auto missing = [](uint64_t, uint64_t) -> Result<Bytes> { return fail(ErrorKind::not_found, "no such blob"); };
    EXPECT_EQ(read_blob_range(key, 0, 100, shorter).error().kind, ErrorKind::corrupt);
    EXPECT_EQ(read_blob_range(key, 0, 100, missing).error().kind, ErrorKind::not_found);
}

TEST_F(Blob, EveryBitFlipAndTruncationOfAChunkIsRefused) {
    const Bytes plain = random.bytes(150);
    const BlobKey key = key_for(plain);
    const Bytes blob = seal_all(key, plain);
    Bytes out(plain.size());
    ASSERT_TRUE(key.open_chunk(0, blob, out).has_value());
    for (size_t bit = 0; bit < blob.size() * 8; bit++)
        ASSERT_EQ(key.open_chunk(0, with_bit_flipped(blob, bit), out).error().kind, ErrorKind::corrupt)
            << "bit " << bit;
    for (size_t size = 0; size < blob.size(); size++)
        ASSERT_EQ(key.open_chunk(0, ByteView(blob).first(size), out).error().kind, ErrorKind::corrupt) << size;
}

TEST_F(Blob, ChunksOpenAtTheirPlaceOnly) {
    const Bytes plain = random.bytes(3 * kBlobChunkPlainBytes);
    const BlobKey key = key_for(plain);
    const Bytes blob = seal_all(key, plain);
    Bytes out(kBlobChunkPlainBytes);
    for (uint64_t place = 0; place < 3; place++)
        for (uint64_t chunk = 0; chunk < 3; chunk++)
            EXPECT_EQ(
                key.open_chunk(place, ByteView(blob).subspan(chunk * kBlobChunkSealedBytes, kBlobChunkSealedBytes), out)
                    .has_value(),
                place == chunk);
    EXPECT_EQ(key.open_chunk(3, ByteView(blob).first(kBlobChunkSealedBytes), out).error().kind, ErrorKind::corrupt);
}

TEST_F(Blob, KeyIsBoundToHashSizeAndRelease) {
    const Bytes plain = random.bytes(kBlobChunkPlainBytes + 1);
    const BlobKey key = key_for(plain);
    const Bytes blob = seal_all(key, plain);
    const ByteView first = ByteView(blob).first(kBlobChunkSealedBytes);
    Bytes out(kBlobChunkPlainBytes);
    const BlobKey of_other_size(release_key, sha256(plain), 2 * kBlobChunkPlainBytes);
    const BlobKey of_other_file(release_key, sha256(as_bytes("other")), plain.size());
    const BlobKey of_other_release(SecretKey::random(random), sha256(plain), plain.size());
    for (const BlobKey* other : {&of_other_size, &of_other_file, &of_other_release}) {
        EXPECT_FALSE(other->open_chunk(0, first, out).has_value());
        EXPECT_NE(other->id(), key.id());
    }
}

TEST_F(Blob, AChangedChunkIsNotSealed) {
    const Bytes plain = random.bytes(100);
    const BlobKey key = key_for(plain);
    Bytes out(116, std::byte{9});
    EXPECT_EQ(key.seal_chunk(0, with_bit_flipped(plain, 17), chunk_hash(plain), out).error().kind, ErrorKind::conflict);
    EXPECT_EQ(out, Bytes(116, std::byte{9})) << "nothing was written";
}

TEST_F(Blob, OnlyWholeChunksThatExistAreSealed) {
    const Bytes plain = random.bytes(100);
    const BlobKey key = key_for(plain);
    Bytes out(116);
    const ByteView part = ByteView(plain).first(99);
    EXPECT_EQ(key.seal_chunk(0, part, chunk_hash(part), ByteSpan(out).first(115)).error().kind,
              ErrorKind::invalid_input);
    EXPECT_EQ(key.seal_chunk(1, plain, chunk_hash(plain), out).error().kind, ErrorKind::invalid_input);
}

}  // namespace
}  // namespace bae::crypto
