#pragma once
// Why a session ended or never began. The reasons are a closed list, so that they can be counted and shown; `explain`
// is the sentence for a person.
#include <array>
#include <cstdint>
#include <string_view>

namespace bae::dht {

enum class CloseReason : uint8_t {
    // The handshake.
    newer_version,        // the other program speaks a version this one does not know
    purpose_not_offered,  // it wants something this node does not do
    unknown_secret,       // it does not know the secret of anything this node serves
    reflected,            // our own hello came back
    weak_key,             // its key would have made the session readable for everybody
    not_opened,           // a sealed frame was not made for this session: another key, changed, replayed, out of order
    own_role,             // it claims to be the end that we are
    own_certificate,      // this node reached itself, or a copy of it
    bad_certificate,      // not a certificate that a person and a device signed
    certificate_expired,  // by this node's clock
    bad_proof,            // its certificate is genuine, but it did not sign this session with that device's key
    not_a_member,         // a genuine device, but not of this library
    removed,              // its person or device was removed from the library
    handshake_timeout,    // the handshake took too long
    // The session.
    malformed,          // bytes that are no frame or message of this version, or break a limit
    window_exceeded,    // it sent more than it was given credit for
    too_many_requests,  // it asked for more at a time than the protocol allows
    over_budget,        // it was slowed for too long, or went on sending regardless
    silent,             // nothing was heard of it for too long
    link_lost,          // the connection broke
    peer_left,          // it said goodbye
    // This program's own wish.
    leaving,     // the program or the network is being turned off
    not_needed,  // another session with the same device serves
};
constexpr size_t kCloseReasons = 23;

std::string_view to_string(CloseReason reason);  // "unknown-secret": one word for logs, tables and tests
std::string_view explain(CloseReason reason);    // one sentence without its full stop

// How often sessions ended for which reason.
class CloseCounts {
  public:
    void add(CloseReason reason) { counts_[static_cast<size_t>(reason)]++; }
    uint64_t of(CloseReason reason) const { return counts_[static_cast<size_t>(reason)]; }

  private:
    std::array<uint64_t, kCloseReasons> counts_{};
};

}  // namespace bae::dht
