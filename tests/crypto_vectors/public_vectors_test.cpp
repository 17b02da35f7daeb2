// What others say the primitives compute: Project Wycheproof and C2SP's CCTV.
#include <gtest/gtest.h>
#include <sodium.h>

#include <set>

#include "crypto/aead.h"
#include "crypto/hash.h"
#include "crypto/keys.h"
#include "crypto_vectors/vector_files.h"

namespace bae::crypto {
namespace {

const unsigned char* raw(ByteView view) { return reinterpret_cast<const unsigned char*>(view.data()); }

bool verifies(ByteView key, ByteView message, ByteView signature) {
    Signature fixed;
    if (signature.size() != fixed.bytes.size()) return false;  // a signature of another size has no type of its own
    std::memcpy(fixed.bytes.data(), signature.data(), signature.size());
    return verify(key, message, fixed);
}

template <class Check>
void for_each_case(const nlohmann::json& file, const Check& check) {
    size_t seen = 0;
    for (const auto& group : file.at("testGroups"))
        for (const auto& vector : group.at("tests")) {
            SCOPED_TRACE("tcId " + vector.at("tcId").dump() + ": " + vector.at("comment").get<std::string>());
            check(group, vector);
            seen++;
        }
    EXPECT_EQ(seen, file.at("numberOfTests").get<size_t>());
}

bool is_valid(const nlohmann::json& vector) { return vector.at("result") == "valid"; }

std::set<std::string> flags_of(const nlohmann::json& vector) {
    const auto& flags = vector.at("flags");
    return flags.is_null() ? std::set<std::string>() : flags.get<std::set<std::string>>();
}

TEST(Wycheproof, Ed25519) {
    PUBLIC_VECTOR_OR_SKIP(file, "wycheproof/ed25519_test.json");
    for_each_case(file, [](const auto& group, const auto& vector) {
        const Bytes key = hex_field(group.at("publicKey"), "pk");
        EXPECT_EQ(verifies(key, hex_field(vector, "msg"), hex_field(vector, "sig")), is_valid(vector));
    });
}

TEST(Wycheproof, HmacSha256) {
    PUBLIC_VECTOR_OR_SKIP(file, "wycheproof/hmac_sha256_test.json");
    for_each_case(file, [](const auto& group, const auto& vector) {
        const Hash256 full = hmac_sha256(hex_field(vector, "key"), hex_field(vector, "msg"));
        const size_t size = group.at("tagSize").template get<size_t>() / 8;
        EXPECT_EQ(equal(full.view().first(size), hex_field(vector, "tag")), is_valid(vector));
    });
}

TEST(Wycheproof, HkdfSha256) {
    PUBLIC_VECTOR_OR_SKIP(file, "wycheproof/hkdf_sha256_test.json");
    for_each_case(file, [](const auto&, const auto& vector) {
        const auto size = vector.at("size").template get<size_t>();
        if (!is_valid(vector)) {
            EXPECT_GT(size, 255U * 32) << "the only invalid cases ask for more than there is";
            return;
        }
        Bytes out(size);
        hkdf_sha256(hex_field(vector, "ikm"), hex_field(vector, "salt"), hex_field(vector, "info"), out);
        EXPECT_EQ(out, hex_field(vector, "okm"));
    });
}

TEST(Wycheproof, XChaCha20Poly1305) {
    PUBLIC_VECTOR_OR_SKIP(file, "wycheproof/xchacha20_poly1305_test.json");
    for_each_case(file, [](const auto&, const auto& vector) {
        const Bytes iv = hex_field(vector, "iv");
        AeadNonce nonce;
        if (iv.size() != nonce.size()) {  // has no type of its own
            EXPECT_FALSE(is_valid(vector));
            return;
        }
        std::memcpy(nonce.data(), iv.data(), iv.size());
        Aead aead(hex_field(vector, "key"));
        const Bytes plain = hex_field(vector, "msg");
        const Bytes associated = hex_field(vector, "aad");
        Bytes expected = hex_field(vector, "ct");
        append(expected, hex_field(vector, "tag"));
        Bytes sealed(plain.size() + kAeadTagBytes);
        aead.seal(nonce, associated, plain, sealed);
        EXPECT_EQ(sealed == expected, is_valid(vector));
        Bytes opened(plain.size());
        EXPECT_EQ(aead.open(nonce, associated, expected, opened), is_valid(vector));
        EXPECT_EQ(opened, is_valid(vector) ? plain : Bytes(plain.size()));
    });
}

// Boxes rest on X25519. Public keys that give everybody the same secret are exactly those that receive no boxes.
TEST(Wycheproof, X25519) {
    PUBLIC_VECTOR_OR_SKIP(file, "wycheproof/x25519_test.json");
    for_each_case(file, [](const auto&, const auto& vector) {
        const Bytes key = hex_field(vector, "public");
        const bool refused = flags_of(vector).contains("ZeroSharedSecret");
        EXPECT_EQ(check_sealing_key(key).has_value(), !refused);
        Bytes shared(32);
        const int result = crypto_scalarmult(reinterpret_cast<unsigned char*>(shared.data()),
                                             raw(hex_field(vector, "private")), raw(key));
        EXPECT_EQ(result == 0, !refused);
        if (!refused) {
            EXPECT_EQ(shared, hex_field(vector, "shared"));
        }
    });
}

// What every program that reads our signatures must agree on: libsodium 1.0.18 refuses points of small order, as key or
// in the signature, and keys that are not encoded canonically, and does not multiply by the cofactor. Low-order
// components alone are accepted.
TEST(Cctv, Ed25519IsDecidedByTheFlagsOfLibsodiumsRules) {
    PUBLIC_VECTOR_OR_SKIP(file, "cctv-ed25519/ed25519vectors.json");
    size_t accepted = 0;
    for (const auto& vector : file) {
        const std::set<std::string> flags = flags_of(vector);
        const bool refused = flags.contains("low_order_A") || flags.contains("low_order_R") ||
                             flags.contains("non_canonical_A") || flags.contains("non_canonical_R") ||
                             flags.contains("low_order_residue");
        const auto message = vector.at("msg").get<std::string>();
        EXPECT_EQ(verifies(hex_field(vector, "key"), as_bytes(message), hex_field(vector, "sig")), !refused)
            << vector.dump();
        accepted += refused ? 0 : 1;
    }
    EXPECT_GT(accepted, 0U);
    EXPECT_LT(accepted, file.size());
}

}  // namespace
}  // namespace bae::crypto
