#include "crypto/recovery_code.h"

#include <algorithm>

#include "crypto/hash.h"

namespace bae::crypto {

namespace {

constexpr size_t kSecretAt = 2;
constexpr size_t kLibraryAt = 34;
constexpr size_t kUrlAt = 66;
constexpr size_t kCheckBytes = 4;
constexpr size_t kLeastBytes = kUrlAt + kCheckBytes;
constexpr size_t kMostBytes = kLeastBytes + kMaxCarrierUrlBytes;
constexpr size_t kMostCharacters = kMostBytes * 8 / 5 * 2;  // with a hyphen or space after every letter
constexpr size_t kGroup = 5;

struct WipedBytes {
    ~WipedBytes() { wipe(bytes); }
    Bytes bytes;
};

ByteView check_of(ByteView all, Hash256& hash) {
    hash = sha256(all);
    return hash.view().first(kCheckBytes);
}

std::string in_groups(std::string_view letters) {
    std::string out;
    out.reserve(letters.size() + letters.size() / kGroup);
    for (size_t at = 0; at < letters.size(); at += kGroup) {
        if (at > 0) out += '-';
        out += letters.substr(at, kGroup);
    }
    return out;
}

tl::unexpected<Error> refuse(const char* why) {
    return fail(ErrorKind::invalid_input, std::string("recovery code: ") + why);
}

Result<void> check_frame(ByteView bytes) {
    if (bytes.size() < kLeastBytes) return refuse("it is cut short");
    if (bytes.size() > kMostBytes) return refuse("it is longer than any code");
    Hash256 hash;
    const ByteView body = bytes.first(bytes.size() - kCheckBytes);
    if (!equal(check_of(body, hash), bytes.last(kCheckBytes)))
        return refuse("a letter is wrong, missing or too many; compare it with the paper");
    if (body[0] == std::byte{0}) return refuse("this is not a recovery code");
    if (body[0] != std::byte{1}) return refuse("it was made by a newer version of this program; upgrade first");
    if (body[1] != std::byte{1} && body[1] != std::byte{2}) return refuse("it is of a type this program does not know");
    return {};
}

}  // namespace

std::string RecoveryCode::text() const {
    CHECK(carrier_url.size() <= kMaxCarrierUrlBytes);
    WipedBytes code;
    code.bytes.reserve(kLeastBytes + carrier_url.size());  // no growth: it would leave copies of the secret behind
    code.bytes.push_back(std::byte{1});
    code.bytes.push_back(static_cast<std::byte>(type));
    append(code.bytes, secret.view());
    append(code.bytes, library.view());
    append(code.bytes, as_bytes(carrier_url));
    Hash256 hash;
    append(code.bytes, check_of(code.bytes, hash));
    std::string letters = base32_encode(code.bytes);
    std::string out = in_groups(letters);
    wipe(std::as_writable_bytes(std::span(letters)));
    return out;
}

Result<RecoveryCode> RecoveryCode::parse(std::string_view text) {
    if (text.size() > kMostCharacters) return refuse("it is longer than any code");
    WipedBytes code{TRY_CONTEXT(base32_decode(text), "recovery code")};
    const ByteView bytes = code.bytes;
    TRY(check_frame(bytes));
    RecoveryCode out;
    out.type = static_cast<Type>(bytes[1]);
    std::ranges::copy(bytes.subspan(kSecretAt, SecretKey::kSize), out.secret.span().begin());
    std::ranges::copy(bytes.subspan(kLibraryAt, 32), out.library.bytes.begin());
    out.carrier_url = as_text(bytes.subspan(kUrlAt, bytes.size() - kLeastBytes));
    return out;
}

}  // namespace bae::crypto
