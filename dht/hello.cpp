#include "dht/hello.h"

namespace bae::dht {

std::string_view to_string(Purpose purpose) {
    switch (purpose) {
        case Purpose::library:
            return "library";
        case Purpose::pairing:
            return "pairing";
        case Purpose::grant:
            return "grant";
        case Purpose::discovery:
            return "discovery";
    }
    check_failed("a purpose outside the list", __FILE__, __LINE__);
}

bool shows_certificates(Purpose purpose) { return purpose == Purpose::library || purpose == Purpose::grant; }

size_t max_secrets(Purpose purpose) {
    if (purpose == Purpose::library) return kMaxSecrets;
    return purpose == Purpose::discovery ? 0 : 1;
}

namespace {

Result<Purpose> purpose_of(std::byte value) {
    for (const Purpose known : {Purpose::library, Purpose::pairing, Purpose::discovery})
        if (static_cast<std::byte>(known) == value) return known;
    return fail(ErrorKind::unsupported, "hello: a purpose this version does not have");
}

}  // namespace

Bytes encode_hello(const Hello& hello) {
    CHECK(hello.names.size() <= kMaxSecrets);
    Bytes out{std::byte{kSessionVersion}, static_cast<std::byte>(hello.purpose)};
    append(out, hello.key.view());
    out.push_back(static_cast<std::byte>(hello.names.size()));
    for (const SecretName& name : hello.names) append(out, name.view());
    return out;
}

Result<size_t> hello_size(ByteView start) {
    if (start.size() < kHelloStartBytes) return fail(ErrorKind::corrupt, "hello: cut short");
    if (start[0] == std::byte{0}) return fail(ErrorKind::corrupt, "hello: no such version");
    if (start[0] > std::byte{kSessionVersion}) return fail(ErrorKind::upgrade_needed, "hello: of a newer version");
    const Purpose purpose = TRY(purpose_of(start[1]));
    const auto count = std::to_integer<size_t>(start[kHelloStartBytes - 1]);
    if (count > max_secrets(purpose) || (count == 0 && max_secrets(purpose) > 0))
        return fail(ErrorKind::corrupt, "hello: a wrong number of names");
    return kHelloStartBytes + count * SecretName::kSize;
}

Result<Hello> decode_hello(ByteView bytes) {
    if (bytes.size() != TRY(hello_size(bytes))) return fail(ErrorKind::corrupt, "hello: of a wrong size");
    Hello out;
    out.purpose = TRY(purpose_of(bytes[1]));
    out.key = TRY(crypto::EphemeralPublicKey::from(bytes.subspan(2, 32)));
    for (size_t at = kHelloStartBytes; at < bytes.size(); at += SecretName::kSize) {
        SecretName& name = out.names.emplace_back();
        std::memcpy(name.bytes.data(), bytes.data() + at, SecretName::kSize);
    }
    return out;
}

}  // namespace bae::dht
