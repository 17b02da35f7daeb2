#include "crypto/keys.h"

#include <sodium.h>

#include "crypto/sodium_pointer.h"

namespace bae::crypto {

namespace {

using X25519Key = FixedBytes<32>;

Signature sign_detached(ByteView signing_key, ByteView message) {
    Signature out;
    crypto_sign_detached(unsigned_bytes(out), nullptr, unsigned_bytes(message), message.size(),
                         unsigned_bytes(signing_key));
    return out;
}

// Fills `signing_key` (64 bytes) and returns the public key.
template <class PublicKey>
PublicKey expand_seed(const SecretKey& seed, SecretBytes& signing_key) {
    PublicKey out;
    signing_key = SecretBytes(crypto_sign_SECRETKEYBYTES);
    crypto_sign_seed_keypair(unsigned_bytes(out), unsigned_bytes(signing_key.span()), unsigned_bytes(seed.view()));
    return out;
}

Result<SecretBytes> open_sealed_box(ByteView sealed, const X25519Key& public_key, ByteView secret_key) {
    if (sealed.size() < crypto_box_SEALBYTES) return fail(ErrorKind::corrupt, "a sealed box is cut short");
    SecretBytes out(sealed.size() - crypto_box_SEALBYTES);
    if (crypto_box_seal_open(unsigned_bytes(out.span()), unsigned_bytes(sealed), sealed.size(),
                             unsigned_bytes(public_key), unsigned_bytes(secret_key)) != 0)
        return fail(ErrorKind::denied, "a sealed box is not for this key, or was changed");
    return out;
}

Bytes label_and(std::string_view label, ByteView rest) {
    Bytes out = to_bytes(as_bytes(label));
    append(out, rest);
    return out;
}

template <size_t N, class Out>
Out first_bytes(const Hash256& hash) {
    Out out;
    std::memcpy(out.bytes.data(), hash.bytes.data(), N);
    return out;
}

}  // namespace

Result<Root> Root::from(ByteView bytes) { return Root(TRY_CONTEXT(SecretKey::from(bytes), "root")); }

SecretKey Root::identity_seed(uint32_t n) const {
    return hkdf(view(), as_bytes("bae-identity-v1:" + std::to_string(n)));
}

Identity Identity::from_seed(SecretKey seed) {
    Identity out;
    out.public_key_ = expand_seed<IdentityPublicKey>(seed, out.signing_key_);
    out.seed_ = std::move(seed);
    return out;
}

Signature Identity::sign(ByteView message) const { return sign_detached(signing_key_.view(), message); }

Result<SecretBytes> Identity::open_box(ByteView sealed) const {
    X25519Key public_form;
    SecretKey secret_form;
    if (crypto_sign_ed25519_pk_to_curve25519(unsigned_bytes(public_form), unsigned_bytes(public_key_)) != 0)
        return fail(ErrorKind::internal, "this identity has no X25519 form");
    crypto_sign_ed25519_sk_to_curve25519(unsigned_bytes(secret_form.span()), unsigned_bytes(signing_key_.view()));
    return open_sealed_box(sealed, public_form, secret_form.view());
}

Hash256 next_commitment(const IdentityPublicKey& next) { return sha256(next.view()); }

Result<FixedBytes<32>> sealing_key_of(const IdentityPublicKey& identity) {
    X25519Key out;
    if (crypto_sign_ed25519_pk_to_curve25519(unsigned_bytes(out), unsigned_bytes(identity)) != 0)
        return fail(ErrorKind::bad_signature, "identity " + identity.text() + " is not a usable Ed25519 key");
    return out;
}

Result<void> check_sealing_key(ByteView x25519_public_key) {
    if (x25519_public_key.size() != crypto_scalarmult_BYTES)
        return fail(ErrorKind::corrupt, "a sealing key of " + std::to_string(x25519_public_key.size()) + " bytes");
    const X25519Key
        any_scalar{};  // clamping makes it a multiple of 8, so exactly the low-order points come out as zero
    X25519Key shared;
    if (crypto_scalarmult(unsigned_bytes(shared), unsigned_bytes(any_scalar), unsigned_bytes(x25519_public_key)) != 0)
        return fail(ErrorKind::corrupt, "a sealing key is a low-order point");
    return {};
}

RecipientTag recipient_tag(const LibraryId& library, const IdentityPublicKey& identity) {
    Sha256 hash;
    hash.update(library.view());
    hash.update(identity.view());
    return first_bytes<8, RecipientTag>(hash.finish());
}

RecipientTag recipient_tag(const DeviceId& device) {
    RecipientTag out;
    out.bytes = device.bytes;
    return out;
}

DeviceId DevicePublicKeys::id() const {
    std::array<std::byte, 64> both;
    std::memcpy(both.data(), signing.bytes.data(), 32);
    std::memcpy(both.data() + 32, sealing.bytes.data(), 32);
    return first_bytes<8, DeviceId>(sha256(both));
}

DeviceKeys DeviceKeys::generate(Random& random) {
    const SecretBytes secret = SecretBytes::random(64, random);
    return std::move(*from_secret(secret.view()));
}

Result<DeviceKeys> DeviceKeys::from_secret(ByteView secret) {
    if (secret.size() != 64)
        return fail(ErrorKind::corrupt,
                    "the secret of a device has " + std::to_string(secret.size()) + " bytes, not 64");
    DeviceKeys out;
    out.seed_ = TRY(SecretKey::from(secret.first(32)));
    out.sealing_secret_ = TRY(SecretKey::from(secret.last(32)));
    out.public_keys_.signing = expand_seed<DeviceSigningKey>(out.seed_, out.signing_key_);
    crypto_scalarmult_base(unsigned_bytes(out.public_keys_.sealing), unsigned_bytes(out.sealing_secret_.view()));
    return out;
}

SecretBytes DeviceKeys::secret() const {
    SecretBytes out(64);
    std::memcpy(out.span().data(), seed_.view().data(), 32);
    std::memcpy(out.span().data() + 32, sealing_secret_.view().data(), 32);
    return out;
}

Signature DeviceKeys::sign(ByteView message) const { return sign_detached(signing_key_.view(), message); }

Result<SecretBytes> DeviceKeys::open_box(ByteView sealed) const {
    X25519Key public_key;
    public_key.bytes = public_keys_.sealing.bytes;
    return open_sealed_box(sealed, public_key, sealing_secret_.view());
}

bool verify(ByteView ed25519_public_key, ByteView message, const Signature& signature) {
    if (ed25519_public_key.size() != crypto_sign_PUBLICKEYBYTES) return false;
    return crypto_sign_verify_detached(unsigned_bytes(signature), unsigned_bytes(message), message.size(),
                                       unsigned_bytes(ed25519_public_key)) == 0;
}

EpochMaster::EpochMaster(SecretKey secret) : secret_(std::move(secret)) {
    Sha256 hash;
    hash.update(as_bytes("bae-key-id-v1"));
    hash.update(secret_.view());
    id_.bytes = hash.finish().bytes;
}

Result<EpochMaster> EpochMaster::from(ByteView bytes) {
    return EpochMaster(TRY_CONTEXT(SecretKey::from(bytes), "epoch master"));
}

Hash256 EpochMaster::salt() const { return hmac_sha256(view(), as_bytes("bae-hkdf-salt-v1")); }

SecretKey EpochMaster::release_key(std::string_view release_id) const {
    SecretKey out;
    hkdf_sha256(view(), salt().view(), label_and("bae-release-v1:", as_bytes(release_id)), out.span());
    return out;
}

SecretKey EpochMaster::object_key(std::string_view kind_name) const {
    SecretKey out;
    hkdf_sha256(view(), salt().view(), label_and("bae-object-v1:", as_bytes(kind_name)), out.span());
    return out;
}

SecretKey EpochMaster::nonce_key() const { return hkdf(view(), as_bytes("bae-nonce-v1")); }

Bytes EpochMaster::sealed_to(ByteView x25519_public_key) const {
    CHECK(check_sealing_key(x25519_public_key).has_value());
    Bytes out(SecretKey::kSize + crypto_box_SEALBYTES);
    CHECK(crypto_box_seal(unsigned_bytes(ByteSpan(out)), unsigned_bytes(view()), view().size(),
                          unsigned_bytes(x25519_public_key)) == 0);
    return out;
}

}  // namespace bae::crypto
