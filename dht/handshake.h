#pragma once
// How two nodes become sure of each other before anything else is said: bytes in, bytes out, no sockets, no clock.
//
//   initiator                                      responder
//   hello: purpose, key, names of secrets   ->     knows one of the named secrets, or answers nothing at all
//                                           <-     hello: purpose, key, that name
//   stream header (24), frame with its proof ->    opens, checks the certificate, asks `admit`
//                                           <-     stream header (24), frame with its own proof
//   opens, checks, asks `admit`
//
// A frame is length (2, big-endian) and that many sealed bytes (frames.h). Who refuses the other's proof says so by the
// last frame of a session with a `bye` (messages.h) instead: to somebody who knows the secret, and without a word about
// itself. Whoever does not know the secret learns neither identity: it cannot open the initiator's proof, and the
// responder's is only sent after a proof it accepted. What the proofs say is in handshake_keys.h.
#include <functional>
#include <memory>
#include <optional>

#include "crypto/certificate.h"
#include "crypto/stream.h"
#include "dht/close_reason.h"
#include "dht/hello.h"

namespace bae::dht {

// What this node would hold sessions about. A secret belongs to one library; a library has one per key epoch.
struct Offer {
    Purpose purpose = Purpose::library;
    crypto::LibraryId library;               // zero where there is none
    std::vector<crypto::SecretKey> secrets;  // newest first, at most max_secrets(purpose) are used
};
using Offers = std::shared_ptr<const std::vector<Offer>>;

crypto::SecretKey library_secret(const crypto::EpochMaster& master);  // HKDF(master, "bae-session-psk-v1")
crypto::SecretKey pairing_secret(ByteView code);                      // HKDF(code, "bae-pair-psk-v1")

// Who this node is. Both must outlive the handshake; null where no purpose of this node shows certificates.
struct Self {
    const crypto::DeviceKeys* device = nullptr;
    const crypto::Certificate* certificate = nullptr;
};

// Asked once per session, about a certificate that is genuine, current and proved: nothing, or why it is refused
// (not_a_member, removed).
using Admission =
    std::function<std::optional<CloseReason>(const crypto::LibraryId& library, const crypto::Certificate& certificate)>;

// What a finished handshake leaves.
struct Secured {
    Purpose purpose = Purpose::library;
    crypto::LibraryId library;
    size_t epoch = 0;  // which secret of the own offer both know, 0 is the newest
    std::optional<crypto::Certificate> peer;
    crypto::StreamSealer sealer;
    crypto::StreamOpener opener;
};

class Handshake {
  public:
    enum class State { going, secured, refused };

    // Appends the hello to `out`. `offer` is one of `offers` by index; its purpose has as many secrets as it needs.
    static Handshake initiate(Self self, Offers offers, size_t offer, Admission admit, crypto::Random& random,
                              Bytes& out);
    static Handshake respond(Self self, Offers offers, Admission admit, crypto::Random& random);
    ~Handshake();
    Handshake(Handshake&&) noexcept;
    Handshake& operator=(Handshake&&) noexcept;

    // Takes from the front of `in` what belongs to the handshake, never more, and appends to `out` what is to be sent.
    // Holds at most kMaxHandshakeBytes of what came, whatever the other end sends. `now_s` (unix time) judges
    // certificates. The random source and the device must still be there.
    State receive(ByteView& in, int64_t now_s, Bytes& out);
    State state() const;
    CloseReason reason() const;  // once refused
    uint16_t bye() const;        // what the other end said, if reason() is peer_left
    Secured take();              // once, when secured

  private:
    struct Inside;
    explicit Handshake(std::unique_ptr<Inside> inside);
    std::unique_ptr<Inside> inside_;
};

constexpr size_t kMaxHandshakeBytes = 2048;  // of one hello or one frame

}  // namespace bae::dht
