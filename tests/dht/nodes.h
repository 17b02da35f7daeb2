#pragma once
// What the tests of peers share: persons with devices, a library they are members of, and a clock.
#include <memory>

#include "crypto/fixtures.h"
#include "dht/peer_session.h"

namespace bae::dht {

using crypto::SeededRandom;

constexpr int64_t kToday_s = 1'760'000'000;

struct Device {
    explicit Device(SeededRandom& random, int64_t expires_s = kToday_s + 1000)
        : identity(crypto::Identity::from_seed(crypto::SecretKey::random(random))),
          keys(crypto::DeviceKeys::generate(random)),
          certificate(crypto::Certificate::issue(body(expires_s), identity, keys)) {}
    Self self() const { return {&keys, &certificate}; }

    crypto::Identity identity;
    crypto::DeviceKeys keys;
    crypto::Certificate certificate;

  private:
    crypto::CertificateBody body(int64_t expires_s) const {
        crypto::CertificateBody out;
        out.identity = identity.public_key();
        out.device = keys.public_keys();
        out.issued_s = kToday_s - 1'000'000;
        out.expires_s = expires_s;
        return out;
    }
};

struct Library {
    explicit Library(SeededRandom& random, size_t epochs = 1) : id(random.id<crypto::LibraryId>()) {
        for (size_t i = 0; i < epochs; i++) masters.push_back(crypto::EpochMaster::generate(random));
    }
    // What a device offers that knows the epochs [oldest, newest].
    Offer offer(size_t oldest, size_t newest) const {
        Offer out{Purpose::library, id, {}};
        for (size_t i = newest + 1; i-- > oldest;) out.secrets.push_back(library_secret(masters[i]));
        return out;
    }
    Offer offer() const { return offer(0, masters.size() - 1); }

    crypto::LibraryId id;
    std::vector<crypto::EpochMaster> masters;
};

inline Offer discovery_offer() { return {Purpose::discovery, {}, {}}; }

inline Offer pairing_offer(std::string_view code) {
    Offer out{Purpose::pairing, {}, {}};
    out.secrets.push_back(pairing_secret(as_bytes(code)));
    return out;
}

template <class... More>
Offers offers(More... more) {
    std::vector<Offer> out;
    (out.push_back(std::move(more)), ...);
    return std::make_shared<const std::vector<Offer>>(std::move(out));
}

inline Admission everybody() {
    return [](const crypto::LibraryId&, const crypto::Certificate&) { return std::nullopt; };
}

// Only devices of these identities.
inline Admission members(std::vector<crypto::IdentityPublicKey> identities) {
    return [identities = std::move(identities)](const crypto::LibraryId&,
                                                const crypto::Certificate& certificate) -> std::optional<CloseReason> {
        for (const auto& identity : identities)
            if (certificate.body().identity == identity) return std::nullopt;
        return CloseReason::not_a_member;
    };
}

inline bool contains(ByteView hay, ByteView needle) {
    return std::search(hay.begin(), hay.end(), needle.begin(), needle.end()) != hay.end();
}

}  // namespace bae::dht
