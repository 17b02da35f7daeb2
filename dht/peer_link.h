#pragma once
// The way to another node: a BitTorrent extension channel, a direct TCP connection, or memory in tests. A link carries
// a stream of bytes in order and nothing else; what it carries is already sealed, and a link is never trusted.
//
// One thread (the network's). A link never calls its listener from within one of its own functions.
#include <cstddef>
#include <string>

#include "crypto/base/bytes.h"
#include "dht/close_reason.h"

namespace bae::dht {

enum class PathKind { lan, tcp, utp };
std::string_view to_string(PathKind kind);

// No bytes of a session are handed to a link in larger pieces. A link may join and split them as it likes.
constexpr size_t kMaxSendBytes = 64 << 10;

class PeerLink {
  public:
    class Listener {
      public:
        virtual ~Listener() = default;
        virtual void bytes(ByteView bytes) = 0;  // any number at a time; valid during the call
        virtual void drained() = 0;              // unsent() has gone down
        virtual void lost() = 0;                 // nothing follows; not told after close()
    };

    virtual ~PeerLink() = default;
    virtual void listen(Listener* listener) = 0;  // null: nobody; what arrives then is dropped
    virtual void send(ByteView bytes) = 0;  // takes all of them, never blocks, never fails: a broken link is `lost`
    virtual size_t unsent() const = 0;      // bytes taken that have not left this machine
    // What was sent before still leaves if it can. The reason is for the link's own log; the other end never sees it.
    virtual void close(CloseReason reason) = 0;
    virtual std::string remote_address() const = 0;  // for people: "192.0.2.7:6881"
    virtual PathKind path() const = 0;
};

}  // namespace bae::dht
