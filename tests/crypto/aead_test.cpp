#include "crypto/aead.h"

#include <gtest/gtest.h>
#include <sodium.h>

#include "crypto/fixtures.h"

namespace bae::crypto {
namespace {

const unsigned char* raw(ByteView view) { return reinterpret_cast<const unsigned char*>(view.data()); }

Bytes sodium_seal(ByteView key, const AeadNonce& nonce, ByteView associated, ByteView plain) {
    Bytes out(plain.size() + kAeadTagBytes);
    crypto_aead_xchacha20poly1305_ietf_encrypt(reinterpret_cast<unsigned char*>(out.data()), nullptr, raw(plain),
                                               plain.size(), raw(associated), associated.size(), nullptr, raw(nonce),
                                               raw(key));
    return out;
}

Bytes seal(Aead& aead, const AeadNonce& nonce, ByteView associated, ByteView plain) {
    Bytes out(plain.size() + kAeadTagBytes);
    aead.seal(nonce, associated, plain, out);
    return out;
}

class AeadTest : public ::testing::Test {
  protected:
    AeadNonce random_nonce() {
        AeadNonce nonce;
        random.fill(nonce);
        return nonce;
    }
    SeededRandom random{4};
    Bytes key = random.bytes(32);
    Aead aead{key};
};

TEST_F(AeadTest, MatchesLibsodiumOnRandomSizes) {
    AeadNonce nonce = random_nonce();
    for (int i = 0; i < 400; i++) {
        if (random.below(3) == 0) nonce = random_nonce();
        nonce[random.below(24)] ^= std::byte{1};  // often the same prefix, so that the cached subkey is used
        const Bytes associated = random.bytes(random.below(4) == 0 ? 0 : random.below(200));
        const Bytes plain = random.bytes(random.below(i % 10 == 0 ? 100'000 : 300));
        const Bytes sealed = seal(aead, nonce, associated, plain);
        ASSERT_EQ(sealed, sodium_seal(key, nonce, associated, plain)) << "size " << plain.size() << " step " << i;
        Bytes opened(plain.size());
        ASSERT_TRUE(aead.open(nonce, associated, sealed, opened)) << "size " << plain.size() << " step " << i;
        ASSERT_EQ(opened, plain);
    }
}

TEST_F(AeadTest, TheFirstNonceMayBeAllZero) {
    const AeadNonce zero{};
    EXPECT_EQ(seal(aead, zero, {}, as_bytes("x")), sodium_seal(key, zero, {}, as_bytes("x")));
}

TEST_F(AeadTest, SealsAndOpensInPlace) {
    const AeadNonce nonce = random_nonce();
    const Bytes plain = random.bytes(5000);
    Bytes buffer = plain;
    buffer.resize(plain.size() + kAeadTagBytes);
    aead.seal(nonce, {}, ByteView(buffer).first(plain.size()), buffer);
    EXPECT_EQ(buffer, sodium_seal(key, nonce, {}, plain));
    ASSERT_TRUE(aead.open(nonce, {}, buffer, ByteSpan(buffer).first(plain.size())));
    EXPECT_TRUE(equal(ByteView(buffer).first(plain.size()), plain));
}

TEST_F(AeadTest, RefusesEveryBitFlipAndLeavesZeros) {
    const AeadNonce nonce = random_nonce();
    const Bytes plain = random.bytes(40);
    const Bytes sealed = seal(aead, nonce, as_bytes("where"), plain);
    for (size_t bit = 0; bit < sealed.size() * 8; bit++) {
        Bytes out(plain.size(), std::byte{7});
        EXPECT_FALSE(aead.open(nonce, as_bytes("where"), with_bit_flipped(sealed, bit), out)) << "bit " << bit;
        EXPECT_EQ(out, Bytes(plain.size()));
    }
}

TEST_F(AeadTest, RefusesAnotherNonceKeyOrAssociatedData) {
    const AeadNonce nonce = random_nonce();
    const Bytes sealed = seal(aead, nonce, as_bytes("where"), as_bytes("what"));
    Bytes out(4);
    for (size_t i = 0; i < nonce.size(); i++) {
        AeadNonce other = nonce;
        other[i] ^= std::byte{1};
        EXPECT_FALSE(aead.open(other, as_bytes("where"), sealed, out)) << i;
    }
    EXPECT_FALSE(aead.open(nonce, as_bytes("there"), sealed, out));
    EXPECT_FALSE(aead.open(nonce, {}, sealed, out));
    EXPECT_FALSE(Aead(random.bytes(32)).open(nonce, as_bytes("where"), sealed, out));
    EXPECT_TRUE(aead.open(nonce, as_bytes("where"), sealed, out)) << "a refusal leaves no trace in the next call";
}

}  // namespace
}  // namespace bae::crypto
