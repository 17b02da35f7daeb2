#include "dht/hello.h"

#include <gtest/gtest.h>

#include "crypto/fixtures.h"

namespace bae::dht {
namespace {

Hello some_hello(Purpose purpose, size_t names) {
    crypto::SeededRandom random(1);
    Hello out{purpose, random.id<crypto::EphemeralPublicKey>(), std::vector<SecretName>(names)};
    for (SecretName& name : out.names) random.fill(name.bytes);
    return out;
}

TEST(Hello, IsReadAsItWasWritten) {
    for (const Hello& hello : {some_hello(Purpose::library, 1), some_hello(Purpose::library, 4),
                               some_hello(Purpose::pairing, 1), some_hello(Purpose::discovery, 0)}) {
        const Bytes bytes = encode_hello(hello);
        EXPECT_EQ(bytes.size(), kHelloStartBytes + 8 * hello.names.size());
        EXPECT_EQ(*hello_size(ByteView(bytes).first(kHelloStartBytes)), bytes.size());
        EXPECT_EQ(*decode_hello(bytes), hello);
    }
}

TEST(Hello, OfAnotherSizeThanItSaysIsRefused) {
    Bytes bytes = encode_hello(some_hello(Purpose::library, 2));
    for (size_t size = 0; size < bytes.size(); size++)
        EXPECT_FALSE(decode_hello(ByteView(bytes).first(size)).has_value()) << size;
    bytes.push_back(std::byte{0});
    EXPECT_FALSE(decode_hello(bytes).has_value());
}

ErrorKind refusal(Bytes bytes, size_t at, uint8_t value) {
    bytes[at] = std::byte{value};
    const auto size = hello_size(bytes);
    EXPECT_FALSE(size.has_value());
    return size ? ErrorKind::internal : size.error().kind;
}

TEST(Hello, OfANewerVersionAsksForAnUpgradeAndOfNoVersionIsCorrupt) {
    const Bytes bytes = encode_hello(some_hello(Purpose::library, 1));
    EXPECT_EQ(refusal(bytes, 0, 2), ErrorKind::upgrade_needed);
    EXPECT_EQ(refusal(bytes, 0, 255), ErrorKind::upgrade_needed);
    EXPECT_EQ(refusal(bytes, 0, 0), ErrorKind::corrupt);
}

TEST(Hello, OfAPurposeThisVersionDoesNotHaveIsUnsupported) {
    const Bytes bytes = encode_hello(some_hello(Purpose::library, 1));
    for (const int purpose : {0, 3, 5, 255})
        EXPECT_EQ(refusal(bytes, 1, static_cast<uint8_t>(purpose)), ErrorKind::unsupported);
}

TEST(Hello, NamesAsManySecretsAsItsPurposeHas) {
    const Bytes library = encode_hello(some_hello(Purpose::library, 1));
    EXPECT_EQ(refusal(library, 34, 0), ErrorKind::corrupt);
    EXPECT_EQ(refusal(library, 34, 5), ErrorKind::corrupt);
    EXPECT_EQ(refusal(library, 34, 255), ErrorKind::corrupt);
    EXPECT_EQ(refusal(encode_hello(some_hello(Purpose::pairing, 1)), 34, 2), ErrorKind::corrupt);
    EXPECT_EQ(refusal(encode_hello(some_hello(Purpose::discovery, 0)), 34, 1), ErrorKind::corrupt);
}

}  // namespace
}  // namespace bae::dht
