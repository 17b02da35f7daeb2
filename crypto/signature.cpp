#include "crypto/signature.h"

namespace bae::crypto {

std::string_view to_string(Label label) {
    switch (label) {
        case Label::object:
            return "object";
        case Label::membership:
            return "membership";
        case Label::head:
            return "head";
        case Label::snapshot:
            return "snapshot";
        case Label::key:
            return "key";
        case Label::certificate_identity:
            return "certificate-identity";
        case Label::certificate_device:
            return "certificate-device";
        case Label::grant:
            return "grant";
        case Label::swarm:
            return "swarm";
        case Label::attestation:
            return "attestation";
        case Label::session_initiator:
            return "session-i";
        case Label::session_responder:
            return "session-r";
        case Label::pair:
            return "pair";
    }
    check_failed("a label outside the list", __FILE__, __LINE__);
}

Bytes signed_bytes(const SignatureContext& context, const Hash256& payload_hash) {
    using namespace std::string_view_literals;
    Bytes out = to_bytes(as_bytes("bae-sig-v1\0"sv));
    append_sized(out, as_bytes(to_string(context.label)));
    append_sized(out, context.library.view());
    append_sized(out, as_bytes(context.path));
    append_sized(out, context.certificate.view());
    append_sized(out, payload_hash.view());
    return out;
}

Signature sign(const DeviceKeys& keys, const SignatureContext& context, const Hash256& payload_hash) {
    return keys.sign(signed_bytes(context, payload_hash));
}

Signature sign(const Identity& identity, const SignatureContext& context, const Hash256& payload_hash) {
    return identity.sign(signed_bytes(context, payload_hash));
}

bool verify(ByteView ed25519_public_key, const SignatureContext& context, const Hash256& payload_hash,
            const Signature& signature) {
    return verify(ed25519_public_key, signed_bytes(context, payload_hash), signature);
}

}  // namespace bae::crypto
