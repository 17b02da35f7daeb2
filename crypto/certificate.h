#pragma once
// Device certificate: a person says "this installation is mine", the installation says "I am theirs".
//
//   certificate := MessagePack [body: bin, identity signature: bin 64, device signature: bin 64]
//   body        := MessagePack [version 1, identity: bin 32, signing key: bin 32, sealing key: bin 32, keeper: bool,
//                  next: bin 32 or nil, continued: bin 8 or nil, issued: unix seconds, expires: unix seconds]
//
// The identity signs the body; the device signs (identity, signing key, sealing key) only, so that a keeper can renew
// alone. Signed payloads: SHA-256 of the body; SHA-256 of identity . signing key . sealing key.
//
// `next` is present exactly if keeper; times are from 1970 to 9999, expires not before issued. Expiry is judged only
// where a live session or a new grant is accepted.
#include <optional>

#include "crypto/signature.h"

namespace bae::crypto {

constexpr size_t kMaxCertificateBytes = 1024;
constexpr int64_t kCertificateLifetime_s = 400LL * 24 * 3600;

struct CertificateBody {
    IdentityPublicKey identity;
    DevicePublicKeys device;
    bool keeper = false;
    std::optional<Hash256> next;        // of the identity, present exactly if keeper
    std::optional<DeviceId> continued;  // the device whose stream this one goes on from (a copied installation)
    int64_t issued_s = 0;
    int64_t expires_s = 0;
    bool operator==(const CertificateBody&) const = default;
};

class Certificate {
  public:
    // Both signatures made here: the device at hand is the keeper itself or a restore. The body names the two keys
    // given and is well-formed as above; so for the two sign_as_ functions.
    static Certificate issue(const CertificateBody& body, const Identity& identity, const DeviceKeys& device);
    // Refuses (corrupt, bad_signature) what is malformed, names keys nobody can seal to, or is not signed by both the
    // identity and the device it names; upgrade_needed if of a newer version.
    static Result<Certificate> parse(ByteView bytes);

    // For pairing, where the two signatures are made on two machines:
    static Signature sign_as_identity(const CertificateBody& body, const Identity& identity);
    static Signature sign_as_device(const CertificateBody& body, const DeviceKeys& device);
    static Result<Certificate> assemble(const CertificateBody& body, const Signature& by_identity,
                                        const Signature& by_device);

    const CertificateBody& body() const { return body_; }
    const CertificateHash& hash() const { return hash_; }
    const Bytes& bytes() const { return bytes_; }
    DeviceId device_id() const { return body_.device.id(); }
    bool operator==(const Certificate&) const = default;

  private:
    Certificate() = default;
    CertificateBody body_;
    Bytes bytes_;
    CertificateHash hash_;
};

}  // namespace bae::crypto
