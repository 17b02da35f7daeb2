#include "sync/keyring.h"

#include "crypto/aead.h"

namespace bae::sync {

namespace {

constexpr std::string_view kKeyLabel = "bae-earlier-masters-v1";
constexpr std::string_view kNonceLabel = "bae-earlier-masters-nonce-v1";
constexpr size_t kNonceBytes = 24;
constexpr size_t kMasterBytes = 32;

Bytes associated_data(const crypto::LibraryId& library, const crypto::KeyId& key) {
    Bytes data = to_bytes(library.view());
    append(data, key.view());
    return data;
}

}  // namespace

void Keyring::add(crypto::EpochMaster master) {
    const crypto::KeyId id = master.id();
    masters_.try_emplace(id, std::move(master));
}

const crypto::EpochMaster* Keyring::find(const crypto::KeyId& key) const {
    const auto found = masters_.find(key);
    return found == masters_.end() ? nullptr : &found->second;
}

std::vector<const crypto::EpochMaster*> Keyring::all() const {
    std::vector<const crypto::EpochMaster*> list;
    for (const auto& [id, master] : masters_) list.push_back(&master);
    return list;
}

bool Keyring::learn(const Membership& membership) {
    bool learned = false;
    for (const KnownEntry* known : membership.key_entries()) {
        const auto content = decode_key_content(known->entry.content);
        const crypto::EpochMaster* master = content ? find(content->key) : nullptr;
        if (master == nullptr) continue;
        auto earlier = open_earlier_masters(membership.library(), *master, content->earlier);
        if (!earlier)
            continue;  // its author sealed something else: those keys stay unknown, and say so when they are needed
        for (crypto::EpochMaster& one : *earlier) {
            learned = learned || !has(one.id());
            add(std::move(one));
        }
    }
    return learned;
}

bool is_usable(const Membership& membership, const crypto::KeyId& key) {
    if (membership.founding().key == key) return true;
    for (const KnownEntry* known : membership.key_entries()) {
        const auto content = decode_key_content(known->entry.content);
        if (content && content->key == key) return true;
    }
    return false;
}

crypto::KeyId current_key(const Membership& membership) {
    const auto entries = membership.key_entries();
    if (entries.empty()) return membership.founding().key;
    const auto content = decode_key_content(entries.back()->entry.content);
    CHECK(content.has_value());  // Membership::add decoded it
    return content->key;
}

Bytes seal_earlier_masters(const crypto::LibraryId& library, const crypto::EpochMaster& master,
                           const Keyring& earlier) {
    crypto::SecretBytes plain(earlier.all().size() * kMasterBytes);
    size_t at = 0;
    for (const crypto::EpochMaster* one : earlier.all()) {
        std::memcpy(plain.span().data() + at, one->view().data(), kMasterBytes);
        at += kMasterBytes;
    }
    const crypto::SecretKey nonce_key = crypto::hkdf(master.view(), as_bytes(kNonceLabel));
    const crypto::Hash256 mac = crypto::hmac_sha256(nonce_key.view(), plain.view());
    crypto::AeadNonce nonce;
    std::memcpy(nonce.data(), mac.bytes.data(), nonce.size());
    Bytes sealed(kNonceBytes + plain.size() + crypto::kAeadTagBytes);
    std::memcpy(sealed.data(), nonce.data(), kNonceBytes);
    const crypto::SecretKey key = crypto::hkdf(master.view(), as_bytes(kKeyLabel));
    crypto::Aead(key.view())
        .seal(nonce, associated_data(library, master.id()), plain.view(), ByteSpan(sealed).subspan(kNonceBytes));
    return sealed;
}

Result<std::vector<crypto::EpochMaster>> open_earlier_masters(const crypto::LibraryId& library,
                                                              const crypto::EpochMaster& master, ByteView sealed) {
    constexpr size_t kAround = kNonceBytes + crypto::kAeadTagBytes;
    if (sealed.size() < kAround || (sealed.size() - kAround) % kMasterBytes != 0)
        return fail(ErrorKind::corrupt, "earlier keys cut short");
    crypto::AeadNonce nonce;
    std::memcpy(nonce.data(), sealed.data(), kNonceBytes);
    crypto::SecretBytes plain(sealed.size() - kAround);
    const crypto::SecretKey key = crypto::hkdf(master.view(), as_bytes(kKeyLabel));
    if (!crypto::Aead(key.view())
             .open(nonce, associated_data(library, master.id()), sealed.subspan(kNonceBytes), plain.span())) {
        return fail(ErrorKind::corrupt, "earlier keys that do not open");
    }
    std::vector<crypto::EpochMaster> masters;
    for (size_t at = 0; at < plain.size(); at += kMasterBytes) {
        masters.push_back(TRY(crypto::EpochMaster::from(plain.view().subspan(at, kMasterBytes))));
    }
    return masters;
}

}  // namespace bae::sync
