#pragma once
// The names of things, one type each. Text forms are lower-case hex; parse refuses anything else.
#include <functional>
#include <string>
#include <string_view>

#include "crypto/base/bytes.h"

namespace bae::crypto {

template <class Tag, size_t N>
struct Id : FixedBytes<N> {
    auto operator<=>(const Id&) const = default;
    std::string text() const { return hex_encode(this->bytes); }
    static Result<Id> parse(std::string_view text) {
        Id id;
        TRY(hex_decode_into(text, id.bytes));
        return id;
    }
    static Result<Id> from(ByteView view) {
        if (view.size() != N) return fail(ErrorKind::corrupt, "an id of " + std::to_string(view.size()) + " bytes");
        Id id;
        std::memcpy(id.bytes.data(), view.data(), N);
        return id;
    }
};

using Hash256 = Id<struct Hash256Tag, 32>;      // a SHA-256
using LibraryId = Id<struct LibraryIdTag, 32>;  // SHA-256 of the founding entry's plaintext
using KeyId = Id<struct KeyIdTag, 32>;          // SHA-256("bae-key-id-v1" . master)
using DeviceId = Id<struct DeviceIdTag, 8>;     // first 8 bytes of SHA-256(Ed25519 key . X25519 key); 16 hex digits
using IdentityPublicKey = Id<struct IdentityPublicKeyTag, 32>;  // Ed25519; the public key is the person
using DeviceSigningKey = Id<struct DeviceSigningKeyTag, 32>;    // Ed25519, public
using DeviceSealingKey = Id<struct DeviceSealingKeyTag, 32>;    // X25519, public
using CertificateHash = Id<struct CertificateHashTag, 32>;      // SHA-256 of a whole certificate
using RecipientTag = Id<struct RecipientTagTag, 8>;  // who a key box is for: a device id, or an identity's tag
using BlobId = Id<struct BlobIdTag, 16>;             // names a blob in storage

}  // namespace bae::crypto

template <class Tag, size_t N>
struct std::hash<bae::crypto::Id<Tag, N>> {
    size_t operator()(const bae::crypto::Id<Tag, N>& id) const noexcept {
        size_t value = 0;
        std::memcpy(&value, id.bytes.data(), sizeof value < N ? sizeof value : N);
        return value;
    }
};
