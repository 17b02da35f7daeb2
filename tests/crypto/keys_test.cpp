#include "crypto/keys.h"

#include <gtest/gtest.h>

#include <set>

#include "crypto/fixtures.h"

namespace bae::crypto {
namespace {

class Keys : public ::testing::Test, protected World {};

TEST_F(Keys, OfANewRootAreOfThisRootAndNumberAlone) {
    const Root root = Root::generate(random);
    const Root same = std::move(*Root::from(root.view()));
    const auto key = [](const Root& r, uint32_t n) { return Identity::from_seed(r.identity_seed(n)).public_key(); };
    EXPECT_EQ(key(root, 0), key(same, 0));
    EXPECT_NE(key(root, 0), key(root, 1));
    EXPECT_NE(key(root, 0), key(Root::generate(random), 0));
    EXPECT_EQ(next_commitment(key(root, 1)), sha256(key(root, 1).view()));
}

TEST_F(Keys, OfWrongSizesAreRefused) {
    for (size_t size : {0U, 31U, 33U, 64U}) {
        EXPECT_EQ(Root::from(Bytes(size)).error().kind, ErrorKind::corrupt);
        EXPECT_EQ(EpochMaster::from(Bytes(size)).error().kind, ErrorKind::corrupt);
    }
    for (size_t size : {0U, 32U, 63U, 65U})
        EXPECT_EQ(DeviceKeys::from_secret(Bytes(size)).error().kind, ErrorKind::corrupt);
}

TEST_F(Keys, OfADeviceComeBackFromItsSecret) {
    const auto again = DeviceKeys::from_secret(device.secret().view());
    ASSERT_TRUE(again.has_value());
    EXPECT_EQ(again->public_keys(), device.public_keys());
    EXPECT_TRUE(verify(device.public_keys().signing.view(), as_bytes("m"), again->sign(as_bytes("m"))));
}

TEST_F(Keys, DeviceIdIsTheStartOfTheHashOfBothPublicKeys) {
    Bytes both = to_bytes(device.public_keys().signing.view());
    append(both, device.public_keys().sealing.view());
    EXPECT_EQ(device.id().text(), sha256(both).text().substr(0, 16));
}

TEST_F(Keys, RecipientTagOfAnIdentityDiffersBetweenLibraries) {
    Bytes both = to_bytes(library.view());
    append(both, identity.public_key().view());
    EXPECT_EQ(recipient_tag(library, identity.public_key()).text(), sha256(both).text().substr(0, 16));
    EXPECT_NE(recipient_tag(library, identity.public_key()),
              recipient_tag(random.id<LibraryId>(), identity.public_key()));
    EXPECT_EQ(recipient_tag(device.id()).text(), device.id().text());
}

TEST_F(Keys, SignaturesHoldForTheirMessageAndKeyOnly) {
    const Signature signature = identity.sign(as_bytes("message"));
    EXPECT_TRUE(verify(identity.public_key().view(), as_bytes("message"), signature));
    EXPECT_FALSE(verify(identity.public_key().view(), as_bytes("massage"), signature));
    EXPECT_FALSE(verify(device.public_keys().signing.view(), as_bytes("message"), signature));
    EXPECT_FALSE(verify(identity.public_key().view().first(31), as_bytes("message"), signature));
}

TEST_F(Keys, BoxesOpenForTheirRecipientOnly) {
    const Bytes to_identity = master.sealed_to(sealing_key_of(identity.public_key())->view());
    const Bytes to_device = master.sealed_to(device.public_keys().sealing.view());
    EXPECT_TRUE(equal(identity.open_box(to_identity)->view(), master.view()));
    EXPECT_TRUE(equal(device.open_box(to_device)->view(), master.view()));
    EXPECT_EQ(device.open_box(to_identity).error().kind, ErrorKind::denied);
    EXPECT_EQ(identity.open_box(to_device).error().kind, ErrorKind::denied);
    EXPECT_EQ(device.open_box(ByteView(to_device).first(47)).error().kind, ErrorKind::corrupt);
    for (size_t bit = 0; bit < to_device.size() * 8; bit++)
        ASSERT_FALSE(device.open_box(with_bit_flipped(to_device, bit))) << bit;
}

TEST_F(Keys, LowOrderKeysReceiveNoBoxes) {
    EXPECT_TRUE(check_sealing_key(device.public_keys().sealing.view()).has_value());
    for (const char* low : {"0000000000000000000000000000000000000000000000000000000000000000",
                            "0100000000000000000000000000000000000000000000000000000000000000",
                            "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
                            "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
                            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"})
        EXPECT_EQ(check_sealing_key(*hex_decode(low)).error().kind, ErrorKind::corrupt) << low;
    EXPECT_EQ(check_sealing_key(Bytes(31)).error().kind, ErrorKind::corrupt);
    EXPECT_EQ(sealing_key_of(IdentityPublicKey{}).error().kind, ErrorKind::bad_signature);
}

TEST_F(Keys, OfDifferentPurposesDiffer) {
    std::set<std::string> seen;
    const auto is_new = [&](ByteView key) { return seen.insert(hex_encode(key)).second; };
    EXPECT_TRUE(is_new(master.view()));
    EXPECT_TRUE(is_new(master.id().view()));
    EXPECT_TRUE(is_new(master.salt().view()));
    EXPECT_TRUE(is_new(master.nonce_key().view()));
    EXPECT_TRUE(is_new(master.object_key("change").view()));
    EXPECT_TRUE(is_new(master.object_key("head").view()));
    EXPECT_TRUE(is_new(master.release_key("6f1c2f2e-0b0e-4a4f-9a53-0123456789ab").view()));
    EXPECT_TRUE(is_new(master.release_key("6f1c2f2e-0b0e-4a4f-9a53-0123456789ac").view()));
}

TEST_F(Keys, DuplicateIsTheSameMaster) {
    const EpochMaster copy = master.duplicate();
    EXPECT_EQ(copy.id(), master.id());
    EXPECT_TRUE(equal(copy.view(), master.view()));
}

TEST_F(Keys, EveryFieldIsPartOfTheSignedBytes) {
    const SignatureContext base{Label::head, library, "heads/x.enc", certificate.hash()};
    const Hash256 payload = sha256(as_bytes("payload"));
    const Signature signature = sign(device, base, payload);
    const auto holds = [&](const SignatureContext& context, const Hash256& hash) {
        return verify(device.public_keys().signing.view(), context, hash, signature);
    };
    EXPECT_TRUE(holds(base, payload));
    EXPECT_FALSE(holds({Label::object, base.library, base.path, base.certificate}, payload));
    EXPECT_FALSE(holds({base.label, {}, base.path, base.certificate}, payload));
    EXPECT_FALSE(holds({base.label, base.library, "heads/y.enc", base.certificate}, payload));
    EXPECT_FALSE(holds({base.label, base.library, base.path, {}}, payload));
    EXPECT_FALSE(holds(base, sha256({})));
}

TEST_F(Keys, LabelsAreDistinct) {
    std::set<std::string_view> names;
    for (int i = 0; i <= static_cast<int>(Label::pair); i++)
        EXPECT_TRUE(names.insert(to_string(static_cast<Label>(i))).second) << i;
}

}  // namespace
}  // namespace bae::crypto
