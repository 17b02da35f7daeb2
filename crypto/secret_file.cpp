#include "crypto/secret_file.h"

#include <sodium.h>

#include <algorithm>

#include "crypto/aead.h"
#include "crypto/base/pack.h"
#include "crypto/sodium_pointer.h"

namespace bae::crypto {

namespace {

constexpr std::string_view kMagic = "BAESEC";
constexpr std::byte kVersion{1};
constexpr std::byte kModePlain{0};
constexpr std::byte kModePassphrase{1};
constexpr size_t kFrameBytes = 8;                      // magic, version, mode
constexpr size_t kAssociatedBytes = kFrameBytes + 32;  // and salt, opslimit, memlimit
constexpr size_t kSealedHeaderBytes = kAssociatedBytes + 24;
constexpr uint32_t kMaxSecrets = 256;
constexpr size_t kMaxNameBytes = 64;
constexpr size_t kMaxSecretBytes = 64 << 10;
constexpr uint64_t kMaxOpslimit = 8;
constexpr uint64_t kMaxMemlimit = crypto_pwhash_argon2id_MEMLIMIT_MODERATE;  // 256 MiB

size_t packed_bound(const SecretMap& secrets) {
    size_t bound = 5;
    for (const auto& [name, secret] : secrets) bound += name.size() + secret.size() + 11;
    return bound;
}

bool is_bearable(const PassphraseCost& cost) {
    return cost.opslimit >= crypto_pwhash_argon2id_OPSLIMIT_INTERACTIVE && cost.opslimit <= kMaxOpslimit &&
           cost.memlimit >= crypto_pwhash_argon2id_MEMLIMIT_INTERACTIVE && cost.memlimit <= kMaxMemlimit;
}

void write_frame(ByteSpan out, std::byte mode) {
    std::ranges::copy(as_bytes(kMagic), out.begin());
    out[6] = kVersion;
    out[7] = mode;
}

Result<void> check_fits(const SecretMap& secrets) {
    if (secrets.size() > kMaxSecrets ||
        packed_bound(secrets) > kMaxSecretFileBytes - kSealedHeaderBytes - kAeadTagBytes)
        return fail(ErrorKind::invalid_input, "more secrets than a secret file holds");
    for (const auto& [name, secret] : secrets)
        if (secret.size() > kMaxSecretBytes) return fail(ErrorKind::invalid_input, "secret '" + name + "' is too long");
    return {};
}

Result<std::pair<std::string, SecretBytes>> decode_secret(Unpacker& in) {
    TRY(in.array_exact(2));
    const std::string_view name = TRY(in.text(kMaxNameBytes));
    if (!is_secret_name(name)) return fail(ErrorKind::corrupt, "a secret with an impossible name");
    return std::pair(std::string(name), SecretBytes::copy_of(TRY(in.bin(kMaxSecretBytes))));
}

}  // namespace

bool is_secret_name(std::string_view name) {
    const auto is_word = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
    return !name.empty() && name.size() <= kMaxNameBytes && is_word(name[0]) &&
           std::ranges::all_of(name, [&](char c) { return is_word(c) || c == '-' || c == '.'; });
}

SecretBytes encode_secrets(const SecretMap& secrets) {
    Bytes packed;
    packed.reserve(packed_bound(secrets));  // no growth: it would leave copies behind
    Packer packer(packed);
    packer.array(static_cast<uint32_t>(secrets.size()));
    for (const auto& [name, secret] : secrets) {
        packer.array(2);
        packer.text(name);
        packer.bin(secret.view());
    }
    SecretBytes out = SecretBytes::copy_of(packed);
    wipe(packed);
    return out;
}

Result<SecretMap> decode_secrets(ByteView packed) {
    Unpacker in(packed);
    SecretMap out;
    const uint32_t count = TRY(in.array(kMaxSecrets));
    for (uint32_t i = 0; i < count; i++) {
        auto [name, secret] = TRY(decode_secret(in));
        if (!out.empty() && name <= out.rbegin()->first) return fail(ErrorKind::corrupt, "secrets out of order");
        out.emplace_hint(out.end(), std::move(name), std::move(secret));
    }
    TRY(in.finish());
    return out;
}

PassphraseCost fresh_passphrase_cost(Random& random) {
    PassphraseCost cost;
    random.fill(cost.salt);
    cost.opslimit = crypto_pwhash_argon2id_OPSLIMIT_INTERACTIVE;
    cost.memlimit = crypto_pwhash_argon2id_MEMLIMIT_INTERACTIVE;
    return cost;
}

Result<SecretKey> passphrase_key(ByteView passphrase, const PassphraseCost& cost) {
    CHECK(is_bearable(cost));
    SecretKey out;
    if (crypto_pwhash(unsigned_bytes(out.span()), SecretKey::kSize,
                      reinterpret_cast<const char*>(unsigned_bytes(passphrase)), passphrase.size(),
                      unsigned_bytes(ByteView(cost.salt)), cost.opslimit, cost.memlimit,
                      crypto_pwhash_ALG_ARGON2ID13) != 0)
        return fail(ErrorKind::retry, "not enough memory to check the passphrase (it takes " +
                                          std::to_string(cost.memlimit >> 20) + " MiB)");
    return out;
}

Result<SecretFileParts> parse_secret_file(ByteView file) {
    if (file.size() > kMaxSecretFileBytes) return fail(ErrorKind::corrupt, "larger than a secret file can be");
    if (file.size() < kFrameBytes || !equal(file.first(kMagic.size()), as_bytes(kMagic)))
        return fail(ErrorKind::corrupt, "not a secret file of this program");
    if (file[6] > kVersion) return fail(ErrorKind::upgrade_needed, "made by a newer version of this program");
    if (file[6] != kVersion) return fail(ErrorKind::corrupt, "a secret file of a version that never was");
    SecretFileParts parts;
    if (file[7] == kModePlain) {
        parts.payload = file.subspan(kFrameBytes);
        return parts;
    }
    if (file[7] != kModePassphrase) return fail(ErrorKind::corrupt, "a secret file of an unknown mode");
    if (file.size() < kSealedHeaderBytes + kAeadTagBytes) return fail(ErrorKind::corrupt, "cut short");
    parts.cost.emplace();
    std::ranges::copy(file.subspan(kFrameBytes, 16), parts.cost->salt.begin());
    parts.cost->opslimit = read_big_endian(file.subspan(kFrameBytes + 16, 8));
    parts.cost->memlimit = read_big_endian(file.subspan(kFrameBytes + 24, 8));
    if (!is_bearable(*parts.cost))
        return fail(ErrorKind::corrupt, "asks for a passphrase cost this program never sets");
    parts.associated = file.first(kAssociatedBytes);
    parts.nonce = file.subspan(kAssociatedBytes, 24);
    parts.payload = file.subspan(kSealedHeaderBytes);
    return parts;
}

Result<SecretBytes> plain_secret_file(const SecretMap& secrets) {
    TRY(check_fits(secrets));
    const SecretBytes packed = encode_secrets(secrets);
    SecretBytes file(kFrameBytes + packed.size());
    write_frame(file.span(), kModePlain);
    std::ranges::copy(packed.view(), file.span().subspan(kFrameBytes).begin());
    return file;
}

Result<SecretBytes> sealed_secret_file(const SecretMap& secrets, const PassphraseCost& cost, const SecretKey& key,
                                       Random& random) {
    TRY(check_fits(secrets));
    const SecretBytes packed = encode_secrets(secrets);
    SecretBytes file(kSealedHeaderBytes + packed.size() + kAeadTagBytes);
    const ByteSpan out = file.span();
    write_frame(out, kModePassphrase);
    std::ranges::copy(cost.salt, out.subspan(kFrameBytes).begin());
    write_big_endian(out.subspan(kFrameBytes + 16, 8), cost.opslimit);
    write_big_endian(out.subspan(kFrameBytes + 24, 8), cost.memlimit);
    AeadNonce nonce;
    random.fill(nonce);
    std::ranges::copy(nonce, out.subspan(kAssociatedBytes).begin());
    Aead(key.view()).seal(nonce, out.first(kAssociatedBytes), packed.view(), out.subspan(kSealedHeaderBytes));
    return file;
}

Result<SecretMap> open_sealed_payload(const SecretFileParts& parts, const SecretKey& key) {
    AeadNonce nonce;
    std::ranges::copy(parts.nonce, nonce.begin());
    SecretBytes packed(parts.payload.size() - kAeadTagBytes);
    if (!Aead(key.view()).open(nonce, parts.associated, parts.payload, packed.span()))
        return fail(ErrorKind::denied, "the passphrase is wrong, or the file was changed");
    return decode_secrets(packed.view());
}

}  // namespace bae::crypto
