#include "crypto/object.h"

#include <algorithm>

#include "crypto/aead.h"

namespace bae::crypto {

namespace {

constexpr std::string_view kMagic = "BAE";
constexpr size_t kVersionAt = 4;
constexpr size_t kKeyIdAt = 5;
constexpr size_t kNonceAt = 37;
constexpr size_t kKeyBoxPayloadBytes = SecretKey::kSize + 48;  // 48: crypto_box_seal
constexpr size_t kSignatureBytes = Signature::kSize;

ByteView header_bytes(ByteView object) { return object.first(kObjectHeaderBytes); }
ByteView payload_bytes(ByteView object) {
    return object.subspan(kObjectHeaderBytes, object.size() - kObjectHeaderBytes - kObjectTrailerBytes);
}

size_t chunk_count(size_t plain_size) {
    return std::max<size_t>(1, (plain_size + kChunkPlainBytes - 1) / kChunkPlainBytes);
}

// Everything of an object's chunks but the bytes themselves: nonces and associated data.
class ChunkFrame {
  public:
    ChunkFrame(const ObjectAddress& address, ByteView header) {
        append_sized(associated_, address.library.view());
        append_sized(associated_, as_bytes(address.path));
        append_sized(associated_, header);
        append_sized(associated_, std::array<std::byte, 8>{});
        std::ranges::copy(header.subspan(kNonceAt, 16), nonce_.begin());
    }
    void go_to(uint64_t index, bool last) {
        write_big_endian(ByteSpan(associated_).last(8), index);
        write_big_endian(ByteSpan(nonce_).subspan(16, 7), index);
        nonce_[23] = std::byte{last};
    }
    const AeadNonce& nonce() const { return nonce_; }
    ByteView associated() const { return associated_; }

  private:
    AeadNonce nonce_{};
    Bytes associated_;
};

FixedBytes<16> derive_nonce(const ObjectAddress& address, const EpochMaster& master, ByteView header_to_key_id,
                            const Hash256& plain_hash) {
    Bytes message;
    append_sized(message, address.library.view());
    append_sized(message, as_bytes(address.path));
    append_sized(message, header_to_key_id);
    append_sized(message, plain_hash.view());
    const Hash256 mac = hmac_sha256(master.nonce_key().view(), message);
    FixedBytes<16> out;
    std::copy_n(mac.bytes.begin(), out.bytes.size(), out.bytes.begin());
    return out;
}

void write_header(ByteSpan out, ObjectKind kind, const KeyId& key_id) {
    std::ranges::copy(as_bytes(kMagic), out.begin());
    out[3] = static_cast<std::byte>(kind);
    out[kVersionAt] = std::byte{1};
    std::ranges::copy(key_id.bytes, out.begin() + kKeyIdAt);
}

SignatureContext context_of(ObjectKind kind, const ObjectAddress& address, const CertificateHash& certificate) {
    return {.label = label_of(kind), .library = address.library, .path = address.path, .certificate = certificate};
}

void write_trailer(Bytes& object, ObjectKind kind, const ObjectAddress& address, const Signer& signer) {
    const size_t signed_size = object.size() - kSignatureBytes;
    std::ranges::copy(signer.certificate.bytes, object.end() - kObjectTrailerBytes);
    const Hash256 hash = sha256(ByteView(object).first(signed_size));
    const Signature signature = sign(signer.keys, context_of(kind, address, signer.certificate), hash);
    std::ranges::copy(signature.bytes, object.end() - kSignatureBytes);
}

Result<void> check_payload_size(ObjectKind kind, size_t size) {
    if (kind == ObjectKind::key) {
        if (size != kKeyBoxPayloadBytes) return fail(ErrorKind::corrupt, "a key box of a wrong size");
        return {};
    }
    const size_t rest = size % kChunkSealedBytes;
    const bool whole = rest == 0 ? size > 0 : rest > kAeadTagBytes || size == kAeadTagBytes;
    if (!whole) return fail(ErrorKind::corrupt, "an object is cut short or has bytes too many");
    return {};
}

}  // namespace

std::string_view to_string(ObjectKind kind) {
    switch (kind) {
        case ObjectKind::founding:
            return "founding";
        case ObjectKind::membership:
            return "membership";
        case ObjectKind::key:
            return "key";
        case ObjectKind::head:
            return "head";
        case ObjectKind::change:
            return "change";
        case ObjectKind::snapshot:
            return "snapshot";
        case ObjectKind::lease:
            return "lease";
        case ObjectKind::invite:
            return "invite";
        case ObjectKind::grant:
            return "grant";
    }
    check_failed("an object kind outside the list", __FILE__, __LINE__);
}

Label label_of(ObjectKind kind) {
    switch (kind) {
        case ObjectKind::founding:
        case ObjectKind::membership:
            return Label::membership;
        case ObjectKind::key:
            return Label::key;
        case ObjectKind::head:
            return Label::head;
        case ObjectKind::snapshot:
            return Label::snapshot;
        case ObjectKind::grant:
            return Label::grant;
        case ObjectKind::change:
        case ObjectKind::lease:
        case ObjectKind::invite:
            return Label::object;
    }
    check_failed("an object kind outside the list", __FILE__, __LINE__);
}

Hash256 object_hash(ByteView object) { return sha256(object); }

Bytes seal_object(ObjectKind kind, const ObjectAddress& address, const EpochMaster& master, const Signer& signer,
                  ByteView plaintext) {
    CHECK(kind != ObjectKind::key && plaintext.size() <= kMaxObjectPlainBytes);
    const size_t chunks = chunk_count(plaintext.size());
    Bytes object(kObjectHeaderBytes + plaintext.size() + chunks * kAeadTagBytes + kObjectTrailerBytes);
    write_header(object, kind, master.id());
    const auto nonce = derive_nonce(address, master, ByteView(object).first(kNonceAt), sha256(plaintext));
    std::ranges::copy(nonce.bytes, object.begin() + kNonceAt);

    Aead aead(master.object_key(to_string(kind)).view());
    ChunkFrame frame(address, header_bytes(object));
    ByteSpan out = ByteSpan(object).subspan(kObjectHeaderBytes);
    for (size_t i = 0; i < chunks; i++) {
        const ByteView plain = plaintext.subspan(i * kChunkPlainBytes)
                                   .first(std::min(kChunkPlainBytes, plaintext.size() - i * kChunkPlainBytes));
        frame.go_to(i, i + 1 == chunks);
        aead.seal(frame.nonce(), frame.associated(), plain, out.first(plain.size() + kAeadTagBytes));
        out = out.subspan(plain.size() + kAeadTagBytes);
    }
    write_trailer(object, kind, address, signer);
    return object;
}

Bytes seal_key_box(const ObjectAddress& address, const EpochMaster& master, ByteView recipient, const Signer& signer) {
    Bytes object(kObjectHeaderBytes + kKeyBoxPayloadBytes + kObjectTrailerBytes);
    write_header(object, ObjectKind::key, master.id());
    std::ranges::copy(master.sealed_to(recipient), object.begin() + kObjectHeaderBytes);
    write_trailer(object, ObjectKind::key, address, signer);
    return object;
}

Result<EpochMaster> open_key_box(ByteView object, const BoxOpener& open) {
    const ObjectHeader header = TRY(parse_object(object));
    if (header.kind != ObjectKind::key)
        return fail(ErrorKind::corrupt,
                    "expected a key box, this is an object of kind " + std::string(to_string(header.kind)));
    const SecretBytes opened = TRY(open(payload_bytes(object)));
    auto master = TRY(EpochMaster::from(opened.view()));
    if (master.id() != header.key_id)
        return fail(ErrorKind::corrupt, "a key box holds another key than the one it names");
    return master;
}

Result<ObjectHeader> parse_object(ByteView object) {
    if (object.size() <= kVersionAt || !equal(object.first(kMagic.size()), as_bytes(kMagic)))
        return fail(ErrorKind::corrupt, "not an object of this program");
    ObjectHeader header;
    header.version = std::to_integer<uint8_t>(object[kVersionAt]);
    if (header.version > 1) return fail(ErrorKind::upgrade_needed, "made by a newer version of this program");
    if (header.version == 0) return fail(ErrorKind::corrupt, "an object of a version that never was");
    if (object.size() > kMaxObjectBytes) return fail(ErrorKind::corrupt, "an object larger than the format allows");
    if (object.size() < kObjectHeaderBytes + kObjectTrailerBytes)
        return fail(ErrorKind::corrupt, "an object is cut short");
    header.kind = static_cast<ObjectKind>(object[3]);
    if (header.kind < ObjectKind::founding || header.kind > ObjectKind::grant)
        return fail(ErrorKind::corrupt, "an object of an unknown kind");
    std::ranges::copy(object.subspan(kKeyIdAt, 32), header.key_id.bytes.begin());
    std::ranges::copy(object.subspan(kNonceAt, 16), header.nonce.bytes.begin());
    if (header.kind == ObjectKind::key && header.nonce != FixedBytes<16>{})
        return fail(ErrorKind::corrupt, "a key box with a nonce");
    TRY(check_payload_size(header.kind, payload_bytes(object).size()));
    return header;
}

CertificateHash certificate_of(ByteView object) {
    CHECK(object.size() >= kObjectHeaderBytes + kObjectTrailerBytes);
    CertificateHash out;
    std::ranges::copy(object.last(kObjectTrailerBytes).first(32), out.bytes.begin());
    return out;
}

Result<void> verify_object(ByteView object, const ObjectAddress& address, const DeviceSigningKey& device) {
    const ObjectHeader header = TRY_CONTEXT(parse_object(object), address.path);
    Signature signature;
    std::ranges::copy(object.last(kSignatureBytes), signature.bytes.begin());
    const Hash256 hash = sha256(object.first(object.size() - kSignatureBytes));
    if (!verify(device.view(), context_of(header.kind, address, certificate_of(object)), hash, signature))
        return fail(ErrorKind::bad_signature,
                    std::string(address.path) + ": not signed by the device it should be from");
    return {};
}

Result<Bytes> open_object(ByteView object, const ObjectAddress& address, const EpochMaster& master) {
    const ObjectHeader header = TRY_CONTEXT(parse_object(object), address.path);
    if (header.kind == ObjectKind::key)
        return fail(ErrorKind::corrupt, std::string(address.path) + ": a key box, not a sealed object");
    if (header.key_id != master.id())
        return fail(ErrorKind::corrupt, std::string(address.path) + ": sealed under key " + header.key_id.text());
    ByteView sealed = payload_bytes(object);
    const size_t chunks = (sealed.size() + kChunkSealedBytes - 1) / kChunkSealedBytes;
    Bytes plaintext(sealed.size() - chunks * kAeadTagBytes);

    Aead aead(master.object_key(to_string(header.kind)).view());
    ChunkFrame frame(address, header_bytes(object));
    for (size_t i = 0; i < chunks; i++) {
        const ByteView chunk = sealed.first(std::min(kChunkSealedBytes, sealed.size()));
        sealed = sealed.subspan(chunk.size());
        frame.go_to(i, sealed.empty());
        const ByteSpan out = ByteSpan(plaintext).subspan(i * kChunkPlainBytes, chunk.size() - kAeadTagBytes);
        if (!aead.open(frame.nonce(), frame.associated(), chunk, out))
            return fail(ErrorKind::corrupt,
                        std::string(address.path) + ": the seal is broken (changed, moved, or of another library)");
    }
    return plaintext;
}

}  // namespace bae::crypto
