#include "crypto/certificate.h"

#include <gtest/gtest.h>

#include "crypto/base/pack.h"
#include "crypto/fixtures.h"

namespace bae::crypto {
namespace {

class CertificateTest : public ::testing::Test, protected World {
  protected:
    // Signed by both, whatever the body says: what a hostile keeper can produce.
    Bytes signed_by_both(ByteView body_bytes) {
        Sha256 statement;
        for (ByteView part :
             {identity.public_key().view(), device.public_keys().signing.view(), device.public_keys().sealing.view()})
            statement.update(part);
        const SignatureContext as_identity{Label::certificate_identity, {}, {}, {}};
        const SignatureContext as_device{Label::certificate_device, {}, {}, {}};
        return envelope(body_bytes, sign(identity, as_identity, sha256(body_bytes)),
                        sign(device, as_device, statement.finish()));
    }
    static Bytes envelope(ByteView body_bytes, const Signature& by_identity, const Signature& by_device) {
        Bytes out;
        Packer packer(out);
        packer.array(3);
        packer.bin(body_bytes);
        packer.bin(by_identity.view());
        packer.bin(by_device.view());
        return out;
    }
    Bytes body_with(uint64_t version, bool keeper, bool next_given, int64_t issued, int64_t expires) {
        Bytes out;
        Packer packer(out);
        packer.array(9);
        packer.uint(version);
        packer.bin(identity.public_key().view());
        packer.bin(device.public_keys().signing.view());
        packer.bin(device.public_keys().sealing.view());
        packer.boolean(keeper);
        next_given ? packer.bin(next.view()) : packer.nil();
        packer.nil();
        packer.sint(issued);
        packer.sint(expires);
        return out;
    }
    ErrorKind refusal(ByteView bytes) {
        const auto parsed = Certificate::parse(bytes);
        EXPECT_FALSE(parsed.has_value());
        return parsed ? ErrorKind::internal : parsed.error().kind;
    }
};

TEST_F(CertificateTest, ParsesToWhatWasIssued) {
    const auto parsed = Certificate::parse(certificate.bytes());
    ASSERT_TRUE(parsed.has_value());
    EXPECT_EQ(*parsed, certificate);
    EXPECT_EQ(parsed->body(), body());
    EXPECT_EQ(parsed->device_id(), device.id());
    EXPECT_EQ(parsed->hash().bytes, sha256(certificate.bytes()).bytes);
    EXPECT_LE(certificate.bytes().size(), kMaxCertificateBytes);
}

TEST_F(CertificateTest, OfANonKeeperHasNoNextAndMayContinueAnotherDevice) {
    CertificateBody wanted = body();
    wanted.keeper = false;
    wanted.next.reset();
    wanted.continued = random.id<DeviceId>();
    const auto parsed = Certificate::parse(Certificate::issue(wanted, identity, device).bytes());
    ASSERT_TRUE(parsed.has_value());
    EXPECT_EQ(parsed->body(), wanted);
}

TEST_F(CertificateTest, IsAssembledFromSignaturesMadeOnTwoMachines) {
    const auto assembled = Certificate::assemble(body(), Certificate::sign_as_identity(body(), identity),
                                                 Certificate::sign_as_device(body(), device));
    ASSERT_TRUE(assembled.has_value());
    EXPECT_EQ(*assembled, certificate);
}

TEST_F(CertificateTest, IsRenewedByAKeeperAloneWithTheOldDeviceSignature) {
    CertificateBody renewed = body();
    renewed.issued_s += kCertificateLifetime_s;
    renewed.expires_s += kCertificateLifetime_s;
    EXPECT_TRUE(Certificate::assemble(renewed, Certificate::sign_as_identity(renewed, identity),
                                      Certificate::sign_as_device(body(), device))
                    .has_value());
}

TEST_F(CertificateTest, NeedsBothSignatures) {
    const Identity other = Identity::from_seed(SecretKey::random(random));
    const DeviceKeys other_device = DeviceKeys::generate(random);
    const SignatureContext as_device{Label::certificate_device, {}, {}, {}};
    CertificateBody of_other = body();
    of_other.identity = other.public_key();
    const auto by_identity = Certificate::sign_as_identity(body(), identity);
    const auto by_device = Certificate::sign_as_device(body(), device);
    const auto kind_of = [](const Result<Certificate>& result) { return result.error().kind; };
    EXPECT_EQ(kind_of(Certificate::assemble(body(), Certificate::sign_as_identity(of_other, other), by_device)),
              ErrorKind::bad_signature);
    EXPECT_EQ(kind_of(Certificate::assemble(body(), by_identity, sign(other_device, as_device, {}))),
              ErrorKind::bad_signature);
    EXPECT_EQ(kind_of(Certificate::assemble(body(), by_identity, Certificate::sign_as_device(of_other, device))),
              ErrorKind::bad_signature)
        << "a device's consent to another person";
}

TEST_F(CertificateTest, EveryBitFlipAndTruncationIsRefused) {
    const Bytes& bytes = certificate.bytes();
    for (size_t bit = 0; bit < bytes.size() * 8; bit++)
        EXPECT_FALSE(Certificate::parse(with_bit_flipped(bytes, bit)).has_value()) << "bit " << bit;
    for (size_t size = 0; size < bytes.size(); size++)
        EXPECT_FALSE(Certificate::parse(ByteView(bytes).first(size)).has_value()) << size;
}

TEST_F(CertificateTest, TrailingBytesInsideAndOutsideAreRefused) {
    Bytes longer = certificate.bytes();
    longer.push_back(std::byte{0xc0});
    EXPECT_EQ(refusal(longer), ErrorKind::corrupt);
    Bytes longer_body = body_with(1, true, true, 0, 1);
    ASSERT_TRUE(Certificate::parse(signed_by_both(longer_body)).has_value());
    longer_body.push_back(std::byte{0xc0});
    EXPECT_EQ(refusal(signed_by_both(longer_body)), ErrorKind::corrupt);
}

TEST_F(CertificateTest, NextIsPresentExactlyForKeepers) {
    EXPECT_TRUE(Certificate::parse(signed_by_both(body_with(1, false, false, 0, 1))).has_value());
    EXPECT_EQ(refusal(signed_by_both(body_with(1, true, false, 0, 1))), ErrorKind::corrupt);
    EXPECT_EQ(refusal(signed_by_both(body_with(1, false, true, 0, 1))), ErrorKind::corrupt);
}

TEST_F(CertificateTest, AbsurdTimesAreRefused) {
    EXPECT_EQ(refusal(signed_by_both(body_with(1, true, true, -1, 1))), ErrorKind::corrupt);
    EXPECT_EQ(refusal(signed_by_both(body_with(1, true, true, 2, 1))), ErrorKind::corrupt);
    EXPECT_EQ(refusal(signed_by_both(body_with(1, true, true, 0, INT64_MAX))), ErrorKind::corrupt);
}

TEST_F(CertificateTest, OfANewerVersionAsksForAnUpgrade) {
    EXPECT_EQ(refusal(signed_by_both(body_with(2, true, true, 0, 1))), ErrorKind::upgrade_needed);
}

TEST_F(CertificateTest, OverTheLimitIsRefused) {
    EXPECT_EQ(refusal(Bytes(kMaxCertificateBytes + 1)), ErrorKind::corrupt);
}

TEST_F(CertificateTest, OfADeviceNobodyCanSealToIsRefused) {
    Bytes packed = body_with(1, true, true, 0, 1);
    std::fill_n(packed.begin() + 2 + 3 * 34 - 32, 32, std::byte{0});  // array, version, then the third of three 2 + 32
    EXPECT_EQ(refusal(signed_by_both(packed)), ErrorKind::corrupt);
}

}  // namespace
}  // namespace bae::crypto
