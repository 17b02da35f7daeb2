#include "crypto/certificate.h"

#include "crypto/base/pack.h"

namespace bae::crypto {

namespace {

constexpr uint64_t kBodyVersion = 1;
constexpr uint32_t kBodyFields = 9;
constexpr int64_t kLatestTime_s = 253402300799;  // the end of the year 9999

bool is_well_formed(const CertificateBody& body) {
    return body.keeper == body.next.has_value() && body.issued_s >= 0 && body.expires_s >= body.issued_s &&
           body.expires_s <= kLatestTime_s;
}

template <class IdType>
void pack_optional(Packer& packer, const std::optional<IdType>& id) {
    if (id)
        packer.bin(id->view());
    else
        packer.nil();
}

Bytes pack_body(const CertificateBody& body) {
    CHECK(is_well_formed(body));
    Bytes out;
    Packer packer(out);
    packer.array(kBodyFields);
    packer.uint(kBodyVersion);
    packer.bin(body.identity.view());
    packer.bin(body.device.signing.view());
    packer.bin(body.device.sealing.view());
    packer.boolean(body.keeper);
    pack_optional(packer, body.next);
    pack_optional(packer, body.continued);
    packer.sint(body.issued_s);
    packer.sint(body.expires_s);
    return out;
}

template <class IdType>
Result<std::optional<IdType>> unpack_optional(Unpacker& in) {
    if (in.peek() == Unpacker::Type::nil) {
        TRY(in.nil());
        return std::optional<IdType>();
    }
    IdType id;
    TRY(in.bin_exact(id.bytes));
    return std::optional<IdType>(id);
}

Result<CertificateBody> unpack_body(ByteView bytes) {
    Unpacker in(bytes);
    const uint32_t fields = TRY(in.array(16));
    if (TRY(in.uint()) > kBodyVersion)
        return fail(ErrorKind::upgrade_needed, "made by a newer version of this program");
    if (fields != kBodyFields) return fail(ErrorKind::corrupt, "a certificate with a wrong number of fields");
    CertificateBody body;
    TRY(in.bin_exact(body.identity.bytes));
    TRY(in.bin_exact(body.device.signing.bytes));
    TRY(in.bin_exact(body.device.sealing.bytes));
    body.keeper = TRY(in.boolean());
    body.next = TRY(unpack_optional<Hash256>(in));
    body.continued = TRY(unpack_optional<DeviceId>(in));
    body.issued_s = TRY(in.sint());
    body.expires_s = TRY(in.sint());
    TRY(in.finish());
    if (!is_well_formed(body)) return fail(ErrorKind::corrupt, "its fields contradict each other");
    return body;
}

SignatureContext context_of(Label label) { return {.label = label, .library = {}, .path = {}, .certificate = {}}; }

Hash256 device_statement(const CertificateBody& body) {
    Sha256 hash;
    hash.update(body.identity.view());
    hash.update(body.device.signing.view());
    hash.update(body.device.sealing.view());
    return hash.finish();
}

Result<void> check_keys(const CertificateBody& body) {
    TRY(sealing_key_of(body.identity));
    return check_sealing_key(body.device.sealing.view());
}

Result<void> check_signatures(const CertificateBody& body, const Hash256& body_hash, const Signature& by_identity,
                              const Signature& by_device) {
    if (!verify(body.identity.view(), context_of(Label::certificate_identity), body_hash, by_identity))
        return fail(ErrorKind::bad_signature, "not signed by identity " + body.identity.text());
    if (!verify(body.device.signing.view(), context_of(Label::certificate_device), device_statement(body), by_device))
        return fail(ErrorKind::bad_signature, "not signed by device " + body.device.id().text());
    return {};
}

Bytes pack_certificate(ByteView body, const Signature& by_identity, const Signature& by_device) {
    Bytes out;
    Packer packer(out);
    packer.array(3);
    packer.bin(body);
    packer.bin(by_identity.view());
    packer.bin(by_device.view());
    return out;
}

}  // namespace

Signature Certificate::sign_as_identity(const CertificateBody& body, const Identity& identity) {
    CHECK(identity.public_key() == body.identity);
    return sign(identity, context_of(Label::certificate_identity), sha256(pack_body(body)));
}

Signature Certificate::sign_as_device(const CertificateBody& body, const DeviceKeys& device) {
    CHECK(device.public_keys() == body.device);
    return sign(device, context_of(Label::certificate_device), device_statement(body));
}

Certificate Certificate::issue(const CertificateBody& body, const Identity& identity, const DeviceKeys& device) {
    auto made = assemble(body, sign_as_identity(body, identity), sign_as_device(body, device));
    CHECK(made.has_value());
    return std::move(*made);
}

Result<Certificate> Certificate::assemble(const CertificateBody& body, const Signature& by_identity,
                                          const Signature& by_device) {
    if (!is_well_formed(body)) return fail(ErrorKind::invalid_input, "certificate: its fields contradict each other");
    return parse(pack_certificate(pack_body(body), by_identity, by_device));
}

Result<Certificate> Certificate::parse(ByteView bytes) {
    if (bytes.size() > kMaxCertificateBytes)
        return fail(ErrorKind::corrupt, "certificate: longer than the format allows");
    Unpacker in(bytes);
    Signature by_identity;
    Signature by_device;
    TRY_CONTEXT(in.array_exact(3), "certificate");
    const ByteView body = TRY_CONTEXT(in.bin(kMaxCertificateBytes), "certificate");
    TRY_CONTEXT(in.bin_exact(by_identity.bytes), "certificate");
    TRY_CONTEXT(in.bin_exact(by_device.bytes), "certificate");
    TRY_CONTEXT(in.finish(), "certificate");
    Certificate out;
    out.body_ = TRY_CONTEXT(unpack_body(body), "certificate");
    TRY_CONTEXT(check_keys(out.body_), "certificate");
    TRY_CONTEXT(check_signatures(out.body_, sha256(body), by_identity, by_device), "certificate");
    out.bytes_ = to_bytes(bytes);
    out.hash_.bytes = sha256(bytes).bytes;
    return out;
}

}  // namespace bae::crypto
