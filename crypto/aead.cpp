#include "crypto/aead.h"

#include <openssl/evp.h>
#include <sodium.h>

#include <algorithm>

#include "crypto/openssl_context.h"
#include "crypto/sodium_pointer.h"

namespace bae::crypto {

namespace {

constexpr size_t kPrefixBytes = 16;     // of the nonce, consumed by HChaCha20
constexpr size_t kMaxUpdate = 1 << 30;  // EVP counts in int

const EVP_CIPHER* chacha20_poly1305() {
    static const EVP_CIPHER* const cipher = EVP_CIPHER_fetch(openssl_context(), "ChaCha20-Poly1305", nullptr);
    CHECK(cipher != nullptr);
    return cipher;
}

}  // namespace

struct Aead::State {
    explicit State(ByteView key_bytes) : secrets(2 * SecretKey::kSize), evp(EVP_CIPHER_CTX_new()) {
        CHECK(key_bytes.size() == SecretKey::kSize && evp != nullptr);
        CHECK(EVP_CipherInit_ex2(evp, chacha20_poly1305(), nullptr, nullptr, 1, nullptr) == 1);
        std::memcpy(secrets.span().data(), key_bytes.data(), SecretKey::kSize);
        derive_subkey();
    }
    ~State() { EVP_CIPHER_CTX_free(evp); }
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    ByteView subkey() const { return secrets.view().last(SecretKey::kSize); }

    void derive_subkey() {
        crypto_core_hchacha20(unsigned_bytes(secrets.span().last(SecretKey::kSize)), unsigned_bytes(ByteView(prefix)),
                              unsigned_bytes(secrets.view().first(SecretKey::kSize)), nullptr);
    }

    void begin(const AeadNonce& nonce, bool sealing, ByteView associated) {
        if (!std::equal(prefix.begin(), prefix.end(), nonce.begin())) {
            std::copy_n(nonce.begin(), kPrefixBytes, prefix.begin());
            derive_subkey();
        }
        std::array<std::byte, 12> iv{};  // RFC 8439 nonce: four zero bytes, then the rest
        std::copy(nonce.begin() + kPrefixBytes, nonce.end(), iv.begin() + 4);
        CHECK(EVP_CipherInit_ex2(evp, nullptr, unsigned_bytes(subkey()), unsigned_bytes(ByteView(iv)), sealing ? 1 : 0,
                                 nullptr) == 1);
        update(associated, nullptr);
    }

    void update(ByteView in, unsigned char* out) {
        while (!in.empty()) {
            const size_t size = std::min(in.size(), kMaxUpdate);
            int written = 0;
            CHECK(EVP_CipherUpdate(evp, out, &written, unsigned_bytes(in), static_cast<int>(size)) == 1);
            if (out != nullptr) out += size;
            in = in.subspan(size);
        }
    }

    bool finish() {
        std::array<unsigned char, kAeadTagBytes> none;  // a stream cipher has nothing left to write
        int written = 0;
        return EVP_CipherFinal_ex(evp, none.data(), &written) == 1;
    }

    SecretBytes secrets;  // key . subkey of `prefix`
    std::array<std::byte, kPrefixBytes> prefix{};
    EVP_CIPHER_CTX* evp;
};

Aead::Aead(ByteView key) : state_(std::make_unique<State>(key)) {}
Aead::~Aead() = default;
Aead::Aead(Aead&&) noexcept = default;
Aead& Aead::operator=(Aead&&) noexcept = default;

void Aead::seal(const AeadNonce& nonce, ByteView associated, ByteView plain, ByteSpan out) {
    CHECK(out.size() == plain.size() + kAeadTagBytes);
    state_->begin(nonce, true, associated);
    state_->update(plain, unsigned_bytes(out));
    CHECK(state_->finish());
    CHECK(EVP_CIPHER_CTX_ctrl(state_->evp, EVP_CTRL_AEAD_GET_TAG, kAeadTagBytes, out.last(kAeadTagBytes).data()) == 1);
}

bool Aead::open(const AeadNonce& nonce, ByteView associated, ByteView sealed, ByteSpan out) {
    CHECK(sealed.size() >= kAeadTagBytes && out.size() == sealed.size() - kAeadTagBytes);
    std::array<std::byte, kAeadTagBytes> tag;
    std::ranges::copy(sealed.last(kAeadTagBytes), tag.begin());
    state_->begin(nonce, false, associated);
    CHECK(EVP_CIPHER_CTX_ctrl(state_->evp, EVP_CTRL_AEAD_SET_TAG, kAeadTagBytes, tag.data()) == 1);
    state_->update(sealed.first(out.size()), unsigned_bytes(out));
    if (state_->finish()) return true;
    std::ranges::fill(out, std::byte{0});
    return false;
}

}  // namespace bae::crypto
