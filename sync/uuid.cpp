#include "sync/uuid.h"

#include "crypto/hash.h"

namespace bae::sync {

namespace {

using Uuid = std::array<std::byte, 16>;

std::string formatted(Uuid id, unsigned version) {
    id[6] = static_cast<std::byte>((std::to_integer<unsigned>(id[6]) & 0x0f) | version << 4);
    id[8] = static_cast<std::byte>((std::to_integer<unsigned>(id[8]) & 0x3f) | 0x80);
    std::string text = hex_encode(id);
    for (const size_t at : {8UL, 13UL, 18UL, 23UL}) text.insert(at, 1, '-');
    return text;
}

constexpr std::string_view kNamespaceHex = "3f7ab4c25f2b5c6e9a512b1fd5a8f0e4";
constexpr char kSeparator = 0x1f;

}  // namespace

std::string uuid_v4(crypto::Random& random) {
    Uuid id;
    random.fill(id);
    return formatted(id, 4);
}

std::string uuid_v5(std::initializer_list<std::string_view> parts) {
    Bytes name(16);
    CHECK(hex_decode_into(kNamespaceHex, name));
    bool first = true;
    for (const std::string_view part : parts) {
        if (!std::exchange(first, false)) name.push_back(static_cast<std::byte>(kSeparator));
        append(name, as_bytes(part));
    }
    const FixedBytes<20> hash = crypto::sha1(name);
    Uuid id;
    std::memcpy(id.data(), hash.bytes.data(), id.size());
    return formatted(id, 5);
}

}  // namespace bae::sync
