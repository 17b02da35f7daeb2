#include "dht/close_reason.h"

namespace bae::dht {

namespace {

struct Words {
    std::string_view name;
    std::string_view sentence;
};

constexpr std::array<Words, kCloseReasons> kWords{{
    {"newer-version", "the other program is newer than this one: upgrade this node"},
    {"purpose-not-offered", "the other node wants something that this node does not do"},
    {"unknown-secret",
     "the other node does not know this library's present or recent keys: a stranger, or a device that has "
     "missed several key changes"},
    {"reflected", "this node's own greeting came back: somebody on the way plays it back"},
    {"weak-key", "the other node sent a key that would have made the session readable for everybody"},
    {"not-opened",
     "what arrived was not sealed for this session: changed on the way, played back, or sent by somebody without "
     "the keys"},
    {"own-role", "the other end claims to be this end: somebody on the way plays our own messages back"},
    {"own-certificate", "this node reached itself, or a copy of its own installation"},
    {"bad-certificate", "the other node's certificate is not valid"},
    {"certificate-expired",
     "the other node's certificate has expired: a keeper of that person has to renew it (or a clock is "
     "wrong)"},
    {"bad-proof", "the other node shows a certificate that is not its own"},
    {"not-a-member", "the other node is a genuine device, but not one of this library"},
    {"removed", "the other node's person or device was removed from this library"},
    {"handshake-timeout", "the other node did not finish its greeting in time"},
    {"malformed", "the other node sent something that this version's protocol does not allow"},
    {"window-exceeded", "the other node sent more than it was allowed to at once"},
    {"too-many-requests", "the other node asked for more at once than it may"},
    {"over-budget", "the other node took more of this node's time than it may, for too long"},
    {"silent", "nothing was heard of the other node for a while"},
    {"link-lost", "the connection broke"},
    {"peer-left", "the other node said goodbye"},
    {"leaving", "this node left the network"},
    {"not-needed", "another session with the same device is in use"},
}};

static_assert(static_cast<size_t>(CloseReason::not_needed) + 1 == kCloseReasons);

}  // namespace

std::string_view to_string(CloseReason reason) { return kWords[static_cast<size_t>(reason)].name; }

std::string_view explain(CloseReason reason) { return kWords[static_cast<size_t>(reason)].sentence; }

}  // namespace bae::dht
