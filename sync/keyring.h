#pragma once
// The epoch masters this device holds. They rest in key boxes only (mirror), never in the database; a Keyring lives as
// long as its Replica.
//
// earlier masters in a key entry := nonce(24) . XChaCha20-Poly1305(HKDF(new master, "bae-earlier-masters-v1"),
// associated data =
//   library id . new key id, the masters' 32 bytes in ascending order of their key ids)
//   nonce = first 24 bytes of HMAC-SHA256(HKDF(new master, "bae-earlier-masters-nonce-v1"), those bytes)
#include <map>
#include <optional>

#include "sync/membership.h"

namespace bae::sync {

class Keyring {
  public:
    void add(crypto::EpochMaster master);
    bool has(const crypto::KeyId& key) const { return masters_.contains(key); }
    const crypto::EpochMaster* find(const crypto::KeyId& key) const;
    std::vector<const crypto::EpochMaster*> all() const;  // ascending by key id

    // Takes the earlier masters of every key entry whose own key is here. False if nothing was new.
    bool learn(const Membership& membership);

  private:
    std::map<crypto::KeyId, crypto::EpochMaster> masters_;
};

// Named by the founding entry or a key entry: a box alone makes no key usable.
bool is_usable(const Membership& membership, const crypto::KeyId& key);
// What is sealed with now: the key entry of greatest (depth, hash), else the founding entry's key.
crypto::KeyId current_key(const Membership& membership);

Bytes seal_earlier_masters(const crypto::LibraryId& library, const crypto::EpochMaster& master, const Keyring& earlier);
Result<std::vector<crypto::EpochMaster>> open_earlier_masters(const crypto::LibraryId& library,
                                                              const crypto::EpochMaster& master, ByteView sealed);

}  // namespace bae::sync
