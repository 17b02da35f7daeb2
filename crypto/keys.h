#pragma once
// Key roles and how they come from each other (the key table of crypto/README.md). Labels are fixed for compatibility.
#include <optional>
#include <string>

#include "crypto/hash.h"
#include "crypto/ids.h"
#include "crypto/secret.h"

namespace bae::crypto {

using Signature = FixedBytes<64>;

// --- identity: the person -------------------------------------------------------------------------------------------

// 32 random bytes on paper only. Identity n is Ed25519 from HKDF(root, "bae-identity-v1:" + n), n in decimal.
class Root {
  public:
    static Root generate(Random& random) { return Root(SecretKey::random(random)); }
    static Result<Root> from(ByteView bytes);
    SecretKey identity_seed(uint32_t n) const;
    ByteView view() const { return secret_.view(); }

  private:
    explicit Root(SecretKey secret) : secret_(std::move(secret)) {}
    SecretKey secret_;
};

// Ed25519 key pair of a person, and its X25519 form that opens boxes.
class Identity {
  public:
    static Identity from_seed(SecretKey seed);
    const IdentityPublicKey& public_key() const { return public_key_; }
    Signature sign(ByteView message) const;
    // crypto_box_seal_open; denied if not for this identity, corrupt if cut short.
    Result<SecretBytes> open_box(ByteView sealed) const;
    ByteView seed() const { return seed_.view(); }  // for the secret store and the recovery code only

  private:
    Identity() = default;
    SecretKey seed_;
    SecretBytes signing_key_;
    IdentityPublicKey public_key_;
};

// SHA-256 of the public key of identity n + 1: the only key that may replace identity n.
Hash256 next_commitment(const IdentityPublicKey& next);

// X25519 form of an identity's public key (crypto_sign_ed25519_pk_to_curve25519); bad_signature if libsodium refuses
// it.
Result<FixedBytes<32>> sealing_key_of(const IdentityPublicKey& identity);

// Must hold for the recipient of a box: 32 bytes and not one of the few low-order points, which everybody can open for.
// Certificate::parse and sealing_key_of have made sure already; a key from anywhere else is checked with this.
// corrupt if not.
Result<void> check_sealing_key(ByteView x25519_public_key);

// How key boxes name an identity: first 8 bytes of SHA-256(library id . identity).
RecipientTag recipient_tag(const LibraryId& library, const IdentityPublicKey& identity);
RecipientTag recipient_tag(const DeviceId& device);

// --- device: one installation ---------------------------------------------------------------------------------------

struct DevicePublicKeys {
    DeviceSigningKey signing;
    DeviceSealingKey sealing;
    bool operator==(const DevicePublicKeys&) const = default;
    DeviceId id() const;
};

class DeviceKeys {
  public:
    static DeviceKeys generate(Random& random);
    static Result<DeviceKeys> from_secret(ByteView secret);  // the 64 bytes of secret()
    SecretBytes secret() const;                              // Ed25519 seed . X25519 secret key, for the secret store
    const DevicePublicKeys& public_keys() const { return public_keys_; }
    DeviceId id() const { return public_keys_.id(); }
    Signature sign(ByteView message) const;
    Result<SecretBytes> open_box(ByteView sealed) const;

  private:
    DeviceKeys() = default;
    SecretKey seed_;
    SecretKey sealing_secret_;
    SecretBytes signing_key_;
    DevicePublicKeys public_keys_;
};

// libsodium's crypto_sign_verify_detached and nothing else: every member must accept the same signatures.
bool verify(ByteView ed25519_public_key, ByteView message, const Signature& signature);

// --- epoch master and what is derived from it -----------------------------------------------------------------------

class EpochMaster {
  public:
    static EpochMaster generate(Random& random) { return EpochMaster(SecretKey::random(random)); }
    static Result<EpochMaster> from(ByteView bytes);
    const KeyId& id() const { return id_; }
    ByteView view() const { return secret_.view(); }
    EpochMaster duplicate() const { return EpochMaster(secret_.duplicate()); }

    Hash256 salt() const;  // HMAC-SHA256(master, "bae-hkdf-salt-v1")
    // HKDF-SHA256(master, salt(), "bae-release-v1:" + release id); the id has 36 lower-case characters.
    SecretKey release_key(std::string_view release_id) const;
    // HKDF-SHA256(master, salt(), "bae-object-v1:" + kind name)
    SecretKey object_key(std::string_view kind_name) const;
    SecretKey nonce_key() const;  // HKDF(master, "bae-nonce-v1")
    // An epoch master boxed to a recipient (crypto_box_seal): payload of a key box. The key has passed
    // check_sealing_key.
    Bytes sealed_to(ByteView x25519_public_key) const;

  private:
    explicit EpochMaster(SecretKey secret);
    SecretKey secret_;
    KeyId id_;
};

}  // namespace bae::crypto
