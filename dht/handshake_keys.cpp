#include "dht/handshake_keys.h"

#include "crypto/base/pack.h"

namespace bae::dht {

namespace {

crypto::Hash256 statement(const Transcript& about, const crypto::CertificateHash& initiators,
                          const crypto::CertificateHash& responders) {
    Bytes out;
    append_sized(out, about.initiator_hello);
    append_sized(out, about.responder_hello);
    append_sized(out, initiators.view());
    append_sized(out, responders.view());
    return crypto::sha256(out);
}

crypto::SignatureContext signature_context(const Transcript& about, Role role, const crypto::CertificateHash& own) {
    return {role == Role::initiator ? crypto::Label::session_initiator : crypto::Label::session_responder,
            about.library, to_string(about.purpose), own};
}

// The initiator signs before it has seen the other's certificate.
crypto::Hash256 signed_payload(const Transcript& about, Role role, const crypto::CertificateHash& own,
                               const crypto::CertificateHash& initiators) {
    return role == Role::initiator ? statement(about, own, {}) : statement(about, initiators, own);
}

}  // namespace

SecretName secret_name(ByteView secret, const crypto::EphemeralPublicKey& initiator) {
    const crypto::Hash256 mac = crypto::hmac_sha256(secret, initiator.view());
    SecretName out;
    std::memcpy(out.bytes.data(), mac.bytes.data(), SecretName::kSize);
    return out;
}

HandshakeKeys::HandshakeKeys(ByteView initiator_hello, ByteView responder_hello, const crypto::SecretKey& shared,
                             ByteView secret) {
    crypto::Sha256 hellos;
    hellos.update(initiator_hello);
    hellos.update(responder_hello);
    const crypto::Hash256 salt = hellos.finish();
    crypto::SecretBytes material(crypto::SecretKey::kSize + secret.size());
    std::memcpy(material.span().data(), shared.view().data(), crypto::SecretKey::kSize);
    if (!secret.empty()) std::memcpy(material.span().data() + crypto::SecretKey::kSize, secret.data(), secret.size());
    crypto::hkdf_sha256(material.view(), salt.view(), as_bytes("bae-session-v1"), streams_.span());
    crypto::hkdf_sha256(material.view(), salt.view(), as_bytes("bae-session-mac-v1"), macs_.span());
}

crypto::SecretKey HandshakeKeys::stream_key(Role role) const {
    return std::move(*crypto::SecretKey::from(half(streams_, role)));
}

Bytes encode_proof(const Proof& proof, Purpose purpose) {
    Bytes out;
    Packer packer(out);
    packer.array(shows_certificates(purpose) ? 4 : 1);
    packer.uint(static_cast<uint64_t>(proof.role));
    if (!shows_certificates(purpose)) return out;
    packer.bin(proof.certificate);
    packer.bin(proof.signature.view());
    packer.bin(proof.mac.view());
    return out;
}

Result<Proof> decode_proof(ByteView bytes, Purpose purpose) {
    Unpacker in(bytes);
    TRY(in.array_exact(shows_certificates(purpose) ? 4 : 1));
    Proof out;
    const uint64_t role = TRY(in.uint(2));
    if (role == 0) return fail(ErrorKind::corrupt, "a proof of no role");
    out.role = static_cast<Role>(role);
    if (shows_certificates(purpose)) {
        out.certificate = to_bytes(TRY(in.bin(crypto::kMaxCertificateBytes)));
        TRY(in.bin_exact(out.signature.bytes));
        TRY(in.bin_exact(out.mac.bytes));
    }
    TRY(in.finish());
    return out;
}

Proof make_proof(const Transcript& about, Role role, const crypto::DeviceKeys& device,
                 const crypto::Certificate& certificate, const crypto::CertificateHash& initiators, ByteView mac_key) {
    const crypto::CertificateHash& own = certificate.hash();
    return {role, certificate.bytes(),
            crypto::sign(device, signature_context(about, role, own), signed_payload(about, role, own, initiators)),
            crypto::hmac_sha256(mac_key, certificate.body().identity.view())};
}

bool proves(const Proof& proof, const Transcript& about, const crypto::Certificate& certificate,
            const crypto::CertificateHash& initiators, ByteView mac_key) {
    const crypto::CertificateHash& theirs = certificate.hash();
    // One try per key, so the time of this comparison tells nobody anything.
    return proof.mac == crypto::hmac_sha256(mac_key, certificate.body().identity.view()) &&
           crypto::verify(certificate.body().device.signing.view(), signature_context(about, proof.role, theirs),
                          signed_payload(about, proof.role, theirs, initiators), proof.signature);
}

}  // namespace bae::dht
