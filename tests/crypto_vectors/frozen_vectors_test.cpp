// Our own formats, byte for byte, against tests/vectors/crypto.txt, which tests/vectors/crypto.py computed apart. If
// one of these fails a format has changed.
#include <gtest/gtest.h>

#include <algorithm>

#include "crypto/blob.h"
#include "crypto/certificate.h"
#include "crypto/object.h"
#include "crypto/recovery_code.h"
#include "crypto/secret_file.h"
#include "crypto_vectors/vector_files.h"

namespace bae::crypto {
namespace {

constexpr std::string_view kPath = "changes/0123456789abcdef/0000000001.enc";

class CountingRandom final : public Random {  // 0xc0, 0xc1, ...
  public:
    void fill(ByteSpan out) override {
        for (std::byte& b : out) b = static_cast<std::byte>(next_++ & 255);
    }

  private:
    unsigned next_ = 0xc0;
};

class FrozenVectors : public ::testing::Test {
  protected:
    std::string text(const char* name) const {
        const auto found = vectors.find(name);
        EXPECT_NE(found, vectors.end()) << name;
        return found == vectors.end() ? "" : found->second;
    }
    Bytes bytes(const char* name) const { return hex_decode(text(name)).value(); }
    CertificateBody certificate_body() const {
        return {identity.public_key(), device.public_keys(), true,         Hash256::parse(text("next")).value(),
                device.id(),           1'700'000'000,        1'734'560'000};
    }
    Bytes sealed(ByteView plain) const {
        const Certificate certificate = Certificate::parse(bytes("certificate")).value();
        return seal_object(ObjectKind::change, {library, kPath}, master, {device, certificate.hash()}, plain);
    }
    static Bytes pattern() {
        Bytes out(65521);
        for (size_t i = 0; i < out.size(); i++) out[i] = static_cast<std::byte>(i * 7 % 256);
        return out;
    }
    SecretMap secrets() const {
        SecretMap out;
        out.emplace("device", device.secret());
        out.emplace("identity", SecretBytes::copy_of(root.identity_seed(0).view()));
        return out;
    }

    const std::map<std::string, std::string> vectors = frozen_vectors("crypto.txt");
    const EpochMaster master = std::move(*EpochMaster::from(bytes("master")));
    const Root root = std::move(*Root::from(bytes("root")));
    const Identity identity = Identity::from_seed(root.identity_seed(0));
    const DeviceKeys device = std::move(*DeviceKeys::from_secret(bytes("device-secret")));
    const LibraryId library = LibraryId::parse(text("library")).value();
};

TEST_F(FrozenVectors, EpochMaster) {
    EXPECT_EQ(master.id().text(), text("key-id"));
    EXPECT_EQ(master.salt().text(), text("salt"));
    EXPECT_EQ(hex_encode(master.release_key(text("release-id")).view()), text("release-key"));
    EXPECT_EQ(hex_encode(master.object_key("change").view()), text("object-key.change"));
    EXPECT_EQ(hex_encode(master.nonce_key().view()), text("nonce-key"));
}

TEST_F(FrozenVectors, Identity) {
    EXPECT_EQ(hex_encode(root.identity_seed(0).view()), text("identity-seed.0"));
    EXPECT_EQ(identity.public_key().text(), text("identity.0"));
    EXPECT_EQ(Identity::from_seed(root.identity_seed(12)).public_key().text(), text("identity.12"));
    EXPECT_EQ(next_commitment(Identity::from_seed(root.identity_seed(1)).public_key()).text(), text("next"));
    EXPECT_EQ(recipient_tag(library, identity.public_key()).text(), text("recipient-tag.identity"));
}

TEST_F(FrozenVectors, Device) {
    EXPECT_EQ(device.public_keys().signing.text(), text("device.signing"));
    EXPECT_EQ(device.public_keys().sealing.text(), text("device.sealing"));
    EXPECT_EQ(device.id().text(), text("device.id"));
}

TEST_F(FrozenVectors, Certificate) {
    EXPECT_EQ(hex_encode(Certificate::issue(certificate_body(), identity, device).bytes()), text("certificate"));
    EXPECT_EQ(Certificate::parse(bytes("certificate"))->body(), certificate_body());
}

TEST_F(FrozenVectors, Object) {
    EXPECT_EQ(hex_encode(sealed({})), text("object.empty"));
    EXPECT_EQ(hex_encode(sealed(as_bytes("hello"))), text("object.hello"));
    EXPECT_EQ(object_hash(sealed(pattern())).text(), text("object.two-chunks.sha256"));
    EXPECT_TRUE(verify_object(bytes("object.hello"), {library, kPath}, device.public_keys().signing).has_value());
    EXPECT_EQ(as_text(*open_object(bytes("object.hello"), {library, kPath}, master)), "hello");
}

TEST_F(FrozenVectors, KeyBox) {
    const std::string path = "keys/" + text("key-id") + "/" + text("device.id") + "/" + text("device.id") + ".enc";
    EXPECT_TRUE(verify_object(bytes("key-box"), {library, path}, device.public_keys().signing).has_value());
    const auto opened = open_key_box(bytes("key-box"), [this](ByteView box) { return device.open_box(box); });
    ASSERT_TRUE(opened.has_value());
    EXPECT_TRUE(equal(opened->view(), master.view()));
}

TEST_F(FrozenVectors, Blob) {
    const Bytes plain = pattern();
    const BlobKey key(master.release_key(text("release-id")), sha256(plain), plain.size());
    EXPECT_EQ(key.id().text(), text("blob.id"));
    const ByteView first = ByteView(plain).first(kBlobChunkPlainBytes);
    const ByteView rest = ByteView(plain).subspan(kBlobChunkPlainBytes);
    EXPECT_EQ(hex_encode(chunk_hash(first).view()), text("blob.chunk.0.hash"));
    Bytes out(kBlobChunkSealedBytes);
    ASSERT_TRUE(key.seal_chunk(0, first, chunk_hash(first), out).has_value());
    EXPECT_EQ(sha256(out).text(), text("blob.chunk.0.sha256"));
    out.resize(rest.size() + kAeadTagBytes);
    ASSERT_TRUE(key.seal_chunk(1, rest, chunk_hash(rest), out).has_value());
    EXPECT_EQ(hex_encode(out), text("blob.chunk.1"));
}

TEST_F(FrozenVectors, RecoveryCode) {
    const RecoveryCode of_root{RecoveryCode::Type::root, SecretKey::from(root.view()).value(), library,
                               "file:///mnt/nas/bae"};
    const RecoveryCode of_identity{RecoveryCode::Type::identity_seed, root.identity_seed(0), library, ""};
    EXPECT_EQ(of_root.text(), text("recovery-code.root"));
    EXPECT_EQ(of_identity.text(), text("recovery-code.identity"));
}

TEST_F(FrozenVectors, SecretFile) {
    CountingRandom random;
    PassphraseCost cost{{}, 2, 64 << 20};
    std::generate(cost.salt.begin(), cost.salt.end(),
                  [value = 0xa0U]() mutable { return static_cast<std::byte>(value++); });
    EXPECT_EQ(hex_encode(plain_secret_file(secrets())->view()), text("secret-file.plain"));
    const SecretKey any_key = SecretKey::from(master.view()).value();
    EXPECT_EQ(hex_encode(sealed_secret_file(secrets(), cost, any_key, random)->view()), text("secret-file.sealed"));
    EXPECT_EQ(hex_encode(passphrase_key(as_bytes("correct horse"), cost)->view()), text("secret-file.passphrase-key"));
}

}  // namespace
}  // namespace bae::crypto
