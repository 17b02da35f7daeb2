#include "crypto/object.h"

#include <gtest/gtest.h>

#include "crypto/aead.h"
#include "crypto/fixtures.h"

namespace bae::crypto {
namespace {

class Object : public ::testing::Test, protected World {
  protected:
    Bytes seal(ByteView plain) { return seal_object(ObjectKind::change, address(), master, signer(), plain); }
    // A reader does all three; one refusal is enough.
    bool accepted(ByteView object) {
        return verify_object(object, address(), device.public_keys().signing).has_value() &&
               open_object(object, address(), master).has_value() && certificate_of(object) == certificate.hash();
    }
};

TEST_F(Object, OpensToWhatWasSealedAtEverySizeAroundAChunk) {
    for (size_t size : {size_t{0}, size_t{1}, size_t{1000}, kChunkPlainBytes - 1, kChunkPlainBytes,
                        kChunkPlainBytes + 1, 2 * kChunkPlainBytes, 2 * kChunkPlainBytes + 7}) {
        const Bytes plain = random.bytes(size);
        const Bytes object = seal(plain);
        const size_t chunks = std::max<size_t>(1, (size + kChunkPlainBytes - 1) / kChunkPlainBytes);
        EXPECT_EQ(object.size(), kObjectHeaderBytes + size + 16 * chunks + kObjectTrailerBytes) << size;
        ASSERT_TRUE(accepted(object)) << size;
        EXPECT_EQ(*open_object(object, address(), master), plain) << size;
    }
}

TEST_F(Object, OfNothingIsOneTag) { EXPECT_EQ(seal({}).size(), kObjectHeaderBytes + 16 + kObjectTrailerBytes); }

TEST_F(Object, SealedTwiceIsTheSameBytes) {
    const Bytes plain = random.bytes(70'000);
    EXPECT_EQ(seal(plain), seal(plain));
}

TEST_F(Object, NonceDependsOnPlaintextPathLibraryKindAndMaster) {
    const Bytes plain = random.bytes(100);
    const auto nonce_of = [](ByteView object) { return parse_object(object)->nonce; };
    const auto nonce = nonce_of(seal(plain));
    EXPECT_NE(nonce_of(seal(random.bytes(100))), nonce);
    EXPECT_NE(nonce_of(seal_object(ObjectKind::change, {library, "changes/x"}, master, signer(), plain)), nonce);
    EXPECT_NE(
        nonce_of(seal_object(ObjectKind::change, {random.id<LibraryId>(), address().path}, master, signer(), plain)),
        nonce);
    EXPECT_NE(nonce_of(seal_object(ObjectKind::snapshot, address(), master, signer(), plain)), nonce);
    EXPECT_NE(nonce_of(seal_object(ObjectKind::change, address(), EpochMaster::generate(random), signer(), plain)),
              nonce);
}

TEST_F(Object, EverySingleBitFlipIsRefused) {
    const Bytes object = seal(random.bytes(200));
    for (size_t bit = 0; bit < object.size() * 8; bit++)
        EXPECT_FALSE(accepted(with_bit_flipped(object, bit))) << "bit " << bit;
}

// The signature would hide what the seal lets through, so the seal is tried alone: all but the trailer.
TEST_F(Object, EverySingleBitFlipOfSealedBytesBreaksTheSealItself) {
    const Bytes object = seal(random.bytes(200));
    for (size_t bit = 0; bit < (object.size() - kObjectTrailerBytes) * 8; bit++)
        EXPECT_FALSE(open_object(with_bit_flipped(object, bit), address(), master).has_value()) << "bit " << bit;
}

TEST_F(Object, EverySingleBitFlipBreaksTheSignatureItself) {
    const Bytes object = seal(random.bytes(200));
    for (size_t bit = 0; bit < object.size() * 8; bit++)
        EXPECT_FALSE(verify_object(with_bit_flipped(object, bit), address(), device.public_keys().signing))
            << "bit " << bit;
}

TEST_F(Object, EveryTruncationIsRefused) {
    const Bytes object = seal(random.bytes(200));
    for (size_t size = 0; size < object.size(); size++) EXPECT_FALSE(accepted(ByteView(object).first(size))) << size;
}

TEST_F(Object, AppendedBytesAreRefused) {
    Bytes object = seal(random.bytes(200));
    for (int i = 0; i < 200; i++) {
        object.push_back(std::byte{0});
        EXPECT_FALSE(accepted(object)) << i;
    }
}

// Signed again by the device itself, so that only the seal can notice.
TEST_F(Object, DroppedAndSwappedChunksBreakTheSeal) {
    const Bytes object = seal(random.bytes(3 * kChunkPlainBytes));
    const auto chunk_at = [&](size_t i) {
        return object.begin() + static_cast<ptrdiff_t>(kObjectHeaderBytes + i * kChunkSealedBytes);
    };
    Bytes swapped = object;
    std::swap_ranges(chunk_at(0) - object.begin() + swapped.begin(), chunk_at(1) - object.begin() + swapped.begin(),
                     chunk_at(1) - object.begin() + swapped.begin());
    Bytes shorter = object;
    shorter.erase(chunk_at(2) - object.begin() + shorter.begin(), chunk_at(3) - object.begin() + shorter.begin());
    ASSERT_TRUE(parse_object(shorter).has_value());
    EXPECT_EQ(open_object(swapped, address(), master).error().kind, ErrorKind::corrupt);
    EXPECT_EQ(open_object(shorter, address(), master).error().kind, ErrorKind::corrupt);
}

TEST_F(Object, AnEmptyLastChunkAfterFullOnesIsRefused) {
    Bytes object = seal(random.bytes(kChunkPlainBytes));
    object.insert(object.end() - kObjectTrailerBytes, kAeadTagBytes, std::byte{0});
    EXPECT_EQ(parse_object(object).error().kind, ErrorKind::corrupt);
}

TEST_F(Object, MovedToAnotherPathOrLibraryIsRefused) {
    const Bytes object = seal(random.bytes(200));
    for (const ObjectAddress& elsewhere : {ObjectAddress{library, "changes/0123456789abcdef/0000000002.enc"},
                                           ObjectAddress{random.id<LibraryId>(), address().path}}) {
        EXPECT_EQ(verify_object(object, elsewhere, device.public_keys().signing).error().kind,
                  ErrorKind::bad_signature);
        EXPECT_EQ(open_object(object, elsewhere, master).error().kind, ErrorKind::corrupt);
    }
}

TEST_F(Object, SignedByAnotherDeviceNamesThePath) {
    const DeviceKeys other = DeviceKeys::generate(random);
    const auto refused = verify_object(seal({}), address(), other.public_keys().signing);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().kind, ErrorKind::bad_signature);
    EXPECT_NE(refused.error().message.find(address().path), std::string::npos);
}

TEST_F(Object, SealedUnderAnotherMasterIsRefused) {
    EXPECT_EQ(open_object(seal({}), address(), EpochMaster::generate(random)).error().kind, ErrorKind::corrupt);
}

TEST_F(Object, OfANewerVersionAsksForAnUpgradeWhateverElseItHolds) {
    Bytes object = seal({});
    object[4] = std::byte{2};
    EXPECT_EQ(parse_object(object).error().kind, ErrorKind::upgrade_needed);
    object.resize(5);
    EXPECT_EQ(parse_object(object).error().kind, ErrorKind::upgrade_needed);
    object[4] = std::byte{0};
    EXPECT_EQ(parse_object(object).error().kind, ErrorKind::corrupt);
}

TEST_F(Object, OfAnUnknownKindIsCorrupt) {
    Bytes object = seal({});
    for (unsigned kind : {0U, 10U, 255U}) {
        object[3] = static_cast<std::byte>(kind);
        EXPECT_EQ(parse_object(object).error().kind, ErrorKind::corrupt) << kind;
    }
}

TEST_F(Object, OverTheLimitIsRefusedBySizeAlone) {
    Bytes object = seal({});
    object.resize(kMaxObjectBytes + 1);
    EXPECT_EQ(parse_object(object).error().kind, ErrorKind::corrupt);
}

TEST_F(Object, OfGreatestSizeIsWithinTheLimit) {
    const Bytes object = seal(Bytes(kMaxObjectPlainBytes));
    EXPECT_LE(object.size(), kMaxObjectBytes);
    EXPECT_GT(object.size() + kChunkSealedBytes, kMaxObjectBytes);
    EXPECT_TRUE(accepted(object));
}

class KeyBox : public Object {
  protected:
    ObjectAddress box_address() { return {library, "keys/00/1122334455667788/0123456789abcdef.enc"}; }
    Bytes box_for(ByteView recipient) { return seal_key_box(box_address(), master, recipient, signer()); }
    BoxOpener opener() {
        return [this](ByteView sealed) { return device.open_box(sealed); };
    }
};

TEST_F(KeyBox, OpensForTheDeviceItIsSealedTo) {
    const Bytes box = box_for(device.public_keys().sealing.view());
    EXPECT_TRUE(verify_object(box, box_address(), device.public_keys().signing).has_value());
    const auto opened = open_key_box(box, opener());
    ASSERT_TRUE(opened.has_value());
    EXPECT_TRUE(equal(opened->view(), master.view()));
    EXPECT_EQ(opened->id(), master.id());
}

TEST_F(KeyBox, OpensForTheIdentityItIsSealedTo) {
    const Bytes box = box_for(sealing_key_of(identity.public_key())->view());
    EXPECT_TRUE(open_key_box(box, [this](ByteView sealed) { return identity.open_box(sealed); }).has_value());
}

TEST_F(KeyBox, IsDeniedToAnyoneElse) {
    const DeviceKeys other = DeviceKeys::generate(random);
    const Bytes box = box_for(device.public_keys().sealing.view());
    EXPECT_EQ(open_key_box(box, [&](ByteView sealed) { return other.open_box(sealed); }).error().kind,
              ErrorKind::denied);
}

TEST_F(KeyBox, ThatNamesAnotherKeyIsCorrupt) {
    Bytes box = box_for(device.public_keys().sealing.view());
    box[5] ^= std::byte{1};
    EXPECT_EQ(open_key_box(box, opener()).error().kind, ErrorKind::corrupt);
}

TEST_F(KeyBox, EveryBitFlipAndTruncationIsRefused) {
    const Bytes box = box_for(device.public_keys().sealing.view());
    const auto accepted_box = [&](ByteView bytes) {
        return verify_object(bytes, box_address(), device.public_keys().signing).has_value();
    };
    ASSERT_TRUE(accepted_box(box));
    for (size_t bit = 0; bit < box.size() * 8; bit++)
        EXPECT_FALSE(accepted_box(with_bit_flipped(box, bit))) << "bit " << bit;
    for (size_t size = 0; size < box.size(); size++) EXPECT_FALSE(accepted_box(ByteView(box).first(size))) << size;
}

TEST_F(KeyBox, AndSealedObjectsAreNotMistakenForEachOther) {
    EXPECT_EQ(open_key_box(seal({}), opener()).error().kind, ErrorKind::corrupt);
    EXPECT_EQ(open_object(box_for(device.public_keys().sealing.view()), box_address(), master).error().kind,
              ErrorKind::corrupt);
}

TEST_F(KeyBox, WithANonceIsRefused) {
    Bytes box = box_for(device.public_keys().sealing.view());
    box[40] = std::byte{1};
    EXPECT_EQ(parse_object(box).error().kind, ErrorKind::corrupt);
}

}  // namespace
}  // namespace bae::crypto
