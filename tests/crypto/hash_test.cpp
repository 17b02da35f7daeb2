#include "crypto/hash.h"

#include <gtest/gtest.h>
#include <sodium.h>

#include "crypto/fixtures.h"

namespace bae::crypto {
namespace {

const unsigned char* raw(ByteView view) { return reinterpret_cast<const unsigned char*>(view.data()); }

Hash256 sodium_sha256(ByteView bytes) {
    Hash256 out;
    crypto_hash_sha256(reinterpret_cast<unsigned char*>(out.bytes.data()), raw(bytes), bytes.size());
    return out;
}

Bytes expand(ByteView ikm, ByteView salt, ByteView info, size_t size) {
    Bytes out(size);
    hkdf_sha256(ikm, salt, info, out);
    return out;
}

Bytes hex(std::string_view text) { return hex_decode(text).value(); }

TEST(Sha256Test, MatchesTheExamplesOfFips180) {
    EXPECT_EQ(sha256({}).text(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(sha256(as_bytes("abc")).text(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(sha256(as_bytes("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")).text(),
              "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST(Sha256Test, MatchesLibsodiumAtEverySizeUpTo300AndRandomLargerOnes) {
    SeededRandom random(2);
    for (size_t size = 0; size < 300; size++) {
        const Bytes bytes = random.bytes(size);
        ASSERT_EQ(sha256(bytes), sodium_sha256(bytes)) << size;
    }
    for (int i = 0; i < 50; i++) {
        const Bytes bytes = random.bytes(random.below(300'000));
        ASSERT_EQ(sha256(bytes), sodium_sha256(bytes)) << bytes.size();
    }
}

TEST(Sha256Test, IncrementalIsTheSameWhateverThePieces) {
    SeededRandom random(3);
    const Bytes bytes = random.bytes(10'000);
    for (int i = 0; i < 50; i++) {
        Sha256 hash;
        for (ByteView rest = bytes; !rest.empty();) {
            const ByteView piece = rest.first(std::min<size_t>(rest.size(), random.below(500)));
            hash.update(piece);
            rest = rest.subspan(piece.size());
        }
        EXPECT_EQ(hash.finish(), sodium_sha256(bytes));
    }
}

TEST(Sha256Test, ComputationsDoNotDisturbEachOther) {
    Sha256 first;
    first.update(as_bytes("ab"));
    Sha256 second;
    second.update(as_bytes("ab"));
    EXPECT_EQ(sha256(as_bytes("abc")), sodium_sha256(as_bytes("abc")));
    first.update(as_bytes("c"));
    EXPECT_EQ(first.finish(), sha256(as_bytes("abc")));
    EXPECT_EQ(second.finish(), sha256(as_bytes("ab")));
}

// RFC 4231 test case 2.
TEST(HmacSha256, MatchesRfc4231) {
    EXPECT_EQ(hmac_sha256(as_bytes("Jefe"), as_bytes("what do ya want for nothing?")).text(),
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

// RFC 5869 appendix A.1 to A.3.
TEST(HkdfSha256, MatchesRfc5869Basic) {
    EXPECT_EQ(hex_encode(expand(Bytes(22, std::byte{0x0b}), hex("000102030405060708090a0b0c"),
                                hex("f0f1f2f3f4f5f6f7f8f9"), 42)),
              "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
}

TEST(HkdfSha256, MatchesRfc5869Longer) {
    Bytes count(256);
    for (size_t i = 0; i < count.size(); i++) count[i] = static_cast<std::byte>(i);
    const ByteView all = count;
    EXPECT_EQ(hex_encode(expand(all.first(0x50), all.subspan(0x60, 0x50), all.subspan(0xb0, 0x50), 82)),
              "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09"
              "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87");
}

TEST(HkdfSha256, MatchesRfc5869WithoutSaltAndInfo) {
    const Bytes ikm(22, std::byte{0x0b});
    EXPECT_EQ(hex_encode(expand(ikm, {}, {}, 42)),
              "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
    EXPECT_TRUE(equal(hkdf(ikm, {}).view(), expand(ikm, {}, {}, 32))) << "the short form is the same function";
}

TEST(HkdfSha256, FillsTheGreatestLength) {
    const Bytes longest = expand(as_bytes("k"), {}, as_bytes("i"), 255 * 32);
    EXPECT_TRUE(equal(ByteView(longest).first(100), expand(as_bytes("k"), {}, as_bytes("i"), 100)));
}

}  // namespace
}  // namespace bae::crypto
