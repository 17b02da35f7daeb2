#include "crypto/recovery_code.h"

#include <gtest/gtest.h>

#include "crypto/fixtures.h"
#include "crypto/hash.h"

namespace bae::crypto {
namespace {

class RecoveryCodeTest : public ::testing::Test {
  protected:
    RecoveryCode code(std::string url = "https://s3.example.net/bucket") {
        return {RecoveryCode::Type::root, SecretKey::random(random), random.id<LibraryId>(), std::move(url)};
    }
    // With a check that is right, so that only the field itself can be refused.
    static std::string of_bytes(Bytes bytes) {
        append(bytes, sha256(bytes).view().first(4));
        return base32_encode(bytes);
    }
    static std::string refusal(std::string_view text) {
        const auto parsed = RecoveryCode::parse(text);
        EXPECT_FALSE(parsed.has_value());
        if (parsed) return "";
        EXPECT_EQ(parsed.error().kind, ErrorKind::invalid_input);
        return parsed.error().message;
    }
    SeededRandom random{6};
};

TEST_F(RecoveryCodeTest, ParsesToWhatWasPrinted) {
    for (const auto type : {RecoveryCode::Type::root, RecoveryCode::Type::identity_seed})
        for (size_t length : {0U, 1U, 2U, 3U, 4U, 5U, 100U, 2048U}) {
            RecoveryCode printed = code(std::string(length, 'u'));
            printed.type = type;
            const auto parsed = RecoveryCode::parse(printed.text());
            ASSERT_TRUE(parsed.has_value()) << length << " " << parsed.error().message;
            EXPECT_EQ(parsed->type, type);
            EXPECT_TRUE(equal(parsed->secret.view(), printed.secret.view()));
            EXPECT_EQ(parsed->library, printed.library);
            EXPECT_EQ(parsed->carrier_url, printed.carrier_url);
        }
}

TEST_F(RecoveryCodeTest, IsPrintedInGroupsOfFive) {
    const std::string text = code().text();
    for (size_t i = 0; i < text.size(); i++) EXPECT_EQ(text[i] == '-', i % 6 == 5) << i;
    EXPECT_NE(text.back(), '-');
}

TEST_F(RecoveryCodeTest, IsReadWithoutHyphensInLowerCaseAndOverSeveralLines) {
    const std::string text = code().text();
    std::string typed;
    for (char c : text) typed += c == '-' ? '\n' : static_cast<char>(std::tolower(c));
    EXPECT_TRUE(RecoveryCode::parse(typed).has_value());
    std::erase(typed, '\n');
    EXPECT_TRUE(RecoveryCode::parse(typed).has_value());
}

TEST_F(RecoveryCodeTest, EveryBitFlipAndTruncationIsRefused) {
    const std::string text = code().text();
    const Bytes bytes = base32_decode(text).value();
    for (size_t bit = 0; bit < bytes.size() * 8; bit++) refusal(base32_encode(with_bit_flipped(bytes, bit)));
    for (size_t size = 0; size < text.size(); size++) refusal(std::string_view(text).substr(0, size));
}

TEST_F(RecoveryCodeTest, EveryWrongLetterIsRefused) {
    std::string text = code("").text();
    for (char& letter : text) {
        if (letter == '-') continue;
        const char right = std::exchange(letter, letter == 'A' ? 'B' : 'A');
        refusal(text);
        letter = right;
    }
}

TEST_F(RecoveryCodeTest, RefusalsSayWhatIsWrong) {
    const std::string text = code().text();
    EXPECT_NE(refusal("").find("cut short"), std::string::npos);
    EXPECT_NE(refusal(text.substr(0, 20)).find("short"), std::string::npos);
    EXPECT_NE(refusal(text + "1").find("A-Z"), std::string::npos);
    std::string swapped = text;
    swapped[1] = swapped[1] == 'A' ? 'B' : 'A';
    EXPECT_NE(refusal(swapped).find("letter is wrong"), std::string::npos);
    EXPECT_NE(refusal(std::string(100'000, 'A')).find("longer"), std::string::npos);
}

TEST_F(RecoveryCodeTest, OtherVersionsAndTypesAreRefusedByName) {
    Bytes bytes(66);
    bytes[0] = std::byte{1};
    bytes[1] = std::byte{1};
    ASSERT_TRUE(RecoveryCode::parse(of_bytes(bytes)).has_value());
    bytes[0] = std::byte{2};
    EXPECT_NE(refusal(of_bytes(bytes)).find("newer"), std::string::npos);
    bytes[0] = std::byte{0};
    EXPECT_NE(refusal(of_bytes(bytes)).find("not a recovery code"), std::string::npos);
    bytes[0] = std::byte{1};
    for (unsigned type : {0U, 3U, 255U}) {
        bytes[1] = static_cast<std::byte>(type);
        EXPECT_NE(refusal(of_bytes(bytes)).find("type"), std::string::npos) << type;
    }
}

TEST_F(RecoveryCodeTest, AUrlOverTheLimitIsRefused) {
    Bytes bytes(66 + kMaxCarrierUrlBytes + 1);
    bytes[0] = std::byte{1};
    bytes[1] = std::byte{1};
    EXPECT_NE(refusal(of_bytes(bytes)).find("longer"), std::string::npos);
}

}  // namespace
}  // namespace bae::crypto
