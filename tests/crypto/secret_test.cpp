#include "crypto/secret.h"

#include <gtest/gtest.h>

#include <type_traits>

#include "crypto/fixtures.h"

namespace bae::crypto {
namespace {

template <class T>
concept Comparable = requires(const T& a, const T& b) {
    a == b;
};

static_assert(!std::is_copy_constructible_v<SecretBytes> && !std::is_copy_assignable_v<SecretBytes>);
static_assert(!std::is_copy_constructible_v<SecretKey> && !std::is_copy_assignable_v<SecretKey>);
static_assert(!Comparable<SecretBytes> && !Comparable<SecretKey>);

TEST(Secret, StartsAsZeros) {
    EXPECT_TRUE(equal(SecretBytes(5).view(), Bytes(5)));
    EXPECT_TRUE(equal(SecretKey().view(), Bytes(32)));
}

TEST(Secret, MayBeEmpty) {
    SecretBytes none;
    EXPECT_TRUE(none.empty());
    EXPECT_TRUE(none.duplicate().empty());
    EXPECT_TRUE(SecretBytes::copy_of({}).empty());
}

TEST(Secret, MovesLeavingNothingBehind) {
    SecretBytes from = SecretBytes::copy_of(as_bytes("secret"));
    SecretBytes to = std::move(from);
    EXPECT_TRUE(from.empty());  // NOLINT(bugprone-use-after-move): that is what is tested
    EXPECT_EQ(as_text(to.view()), "secret");
    SecretBytes other = SecretBytes::copy_of(as_bytes("other"));
    other = std::move(to);
    EXPECT_EQ(as_text(other.view()), "secret");
}

TEST(Secret, DuplicateIsOfItsOwn) {
    SecretBytes one = SecretBytes::copy_of(as_bytes("secret"));
    const SecretBytes two = one.duplicate();
    one.span()[0] = std::byte{'S'};
    EXPECT_EQ(as_text(two.view()), "secret");
}

TEST(Secret, KeyHasExactly32Bytes) {
    EXPECT_TRUE(SecretKey::from(Bytes(32)).has_value());
    for (size_t size : {0U, 31U, 33U}) EXPECT_EQ(SecretKey::from(Bytes(size)).error().kind, ErrorKind::corrupt);
}

TEST(Secret, WipeLeavesZeros) {
    Bytes bytes(9, std::byte{1});
    wipe(bytes);
    EXPECT_EQ(bytes, Bytes(9));
}

TEST(Secret, SystemRandomnessDiffersEachTime) {
    EXPECT_FALSE(equal(SecretKey::random(system_random()).view(), SecretKey::random(system_random()).view()));
}

TEST(SecretDeathTest, OverrunStopsTheProgram) {
    EXPECT_DEATH(
        {
            SecretBytes bytes(32);
            const_cast<volatile std::byte*>(bytes.span().data())[32] = std::byte{1};
        },
        "");
}

}  // namespace
}  // namespace bae::crypto
