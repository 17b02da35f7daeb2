#include "crypto/agreement.h"

#include <gtest/gtest.h>

#include "crypto/fixtures.h"

namespace bae::crypto {
namespace {

class Given final : public Random {
  public:
    explicit Given(ByteView bytes) : bytes_(to_bytes(bytes)) {}
    void fill(ByteSpan out) override { std::memcpy(out.data(), bytes_.data(), out.size()); }

  private:
    Bytes bytes_;
};

EphemeralPublicKey point(std::string_view hex) { return EphemeralPublicKey::parse(hex).value(); }

TEST(Agreement, GivesBothEndsTheSameSecret) {
    SeededRandom random(1);
    const EphemeralKey one = EphemeralKey::generate(random);
    const EphemeralKey two = EphemeralKey::generate(random);
    const auto ours = one.agree(two.public_key());
    ASSERT_TRUE(ours.has_value());
    EXPECT_TRUE(equal(ours->view(), two.agree(one.public_key())->view()));
    EXPECT_FALSE(equal(ours->view(), EphemeralKey::generate(random).agree(two.public_key())->view()));
}

// RFC 7748, section 5.2: k and u begin as the base point; each turn k, u = X25519(k, u), k.
TEST(Agreement, IsX25519AThousandTimesOver) {
    const auto base = point("0900000000000000000000000000000000000000000000000000000000000000");
    Bytes k = to_bytes(base.view());
    EphemeralPublicKey u = base;
    for (int turn = 1; turn <= 1000; turn++) {
        Given given(k);
        const SecretKey next = std::move(*EphemeralKey::generate(given).agree(u));
        u = *EphemeralPublicKey::from(k);
        k = to_bytes(next.view());
        if (turn == 1) {
            EXPECT_EQ(hex_encode(k), "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079");
        }
    }
    EXPECT_EQ(hex_encode(k), "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51");
}

TEST(Agreement, RefusesEveryLowOrderPoint) {
    SeededRandom random(2);
    const EphemeralKey key = EphemeralKey::generate(random);
    for (const char* low : {"0000000000000000000000000000000000000000000000000000000000000000",
                            "0100000000000000000000000000000000000000000000000000000000000000",
                            "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
                            "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
                            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                            "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"}) {
        const auto agreed = key.agree(point(low));
        ASSERT_FALSE(agreed.has_value()) << low;
        EXPECT_EQ(agreed.error().kind, ErrorKind::corrupt);
    }
}

}  // namespace
}  // namespace bae::crypto
