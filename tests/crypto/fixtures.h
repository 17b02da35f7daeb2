#pragma once
// What the tests of crypto share: randomness from a seed, and one person with one device in one library.
#include <random>

#include "crypto/certificate.h"
#include "crypto/object.h"

namespace bae::crypto {

class SeededRandom final : public Random {
  public:
    explicit SeededRandom(uint64_t seed) : engine_(seed) {}
    void fill(ByteSpan out) override {
        for (std::byte& b : out) b = static_cast<std::byte>(engine_() & 255);
    }
    Bytes bytes(size_t size) {
        Bytes out(size);
        fill(out);
        return out;
    }
    template <class IdType>
    IdType id() {
        IdType out;
        fill(out.bytes);
        return out;
    }
    uint64_t below(uint64_t bound) { return engine_() % bound; }

  private:
    std::mt19937_64 engine_;
};

inline Bytes with_bit_flipped(ByteView bytes, size_t bit) {
    Bytes out = to_bytes(bytes);
    out[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    return out;
}

struct World {
    SeededRandom random{1};
    Identity identity = Identity::from_seed(SecretKey::random(random));
    DeviceKeys device = DeviceKeys::generate(random);
    EpochMaster master = EpochMaster::generate(random);
    LibraryId library = random.id<LibraryId>();
    Hash256 next = random.id<Hash256>();
    Certificate certificate = Certificate::issue(body(), identity, device);

    CertificateBody body() const {
        CertificateBody out;
        out.identity = identity.public_key();
        out.device = device.public_keys();
        out.keeper = true;
        out.next = next;
        out.issued_s = 1'700'000'000;
        out.expires_s = out.issued_s + kCertificateLifetime_s;
        return out;
    }
    Signer signer() const { return {device, certificate.hash()}; }
    ObjectAddress address() const { return {library, "changes/0123456789abcdef/0000000001.enc"}; }
};

}  // namespace bae::crypto
