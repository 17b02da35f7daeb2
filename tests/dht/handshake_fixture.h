#pragma once
// Handshakes between Alice and Bob, who are members of a library of six epochs.
#include <gtest/gtest.h>

#include "dht/handshake.h"
#include "dht/handshake_keys.h"
#include "dht/nodes.h"

namespace bae::dht {

class HandshakeTest : public ::testing::Test {
  protected:
    SeededRandom random{11};
    Device alice{random};
    Device bob{random};
    Library library{random, 6};

    Handshake dial(const Device& device, Offers what, Bytes& out, Admission admit = everybody()) {
        return Handshake::initiate(device.self(), std::move(what), 0, std::move(admit), random, out);
    }
    Handshake wait_for(const Device& device, Offers what, Admission admit = everybody()) {
        return Handshake::respond(device.self(), std::move(what), std::move(admit), random);
    }
    // Everything `bytes` holds, in one piece.
    static Bytes tell(Handshake& to, ByteView bytes, int64_t now_s = kToday_s) {
        Bytes out;
        to.receive(bytes, now_s, out);
        return out;
    }
    struct Wire {
        Bytes from_initiator;
        Bytes from_responder;
    };
    // Lets both talk until nothing more is said.
    Wire run(Handshake& initiator, Handshake& responder, Bytes first, int64_t now_s = kToday_s) {
        Wire wire;
        for (Bytes there = std::move(first); !there.empty();) {
            append(wire.from_initiator, there);
            const Bytes back = tell(responder, there, now_s);
            append(wire.from_responder, back);
            there = tell(initiator, back, now_s);
        }
        return wire;
    }
    static std::string opened(Secured& from, Secured& to, std::string_view text) {
        Bytes sealed(text.size() + crypto::kStreamOverheadBytes);
        Bytes plain(text.size());
        from.sealer.seal(crypto::StreamTag::piece, as_bytes(text), sealed);
        EXPECT_TRUE(to.opener.open(sealed, plain).has_value());
        return std::string(as_text(plain));
    }
    static void expect_refused(const Handshake& handshake, CloseReason reason) {
        ASSERT_EQ(handshake.state(), Handshake::State::refused);
        EXPECT_EQ(to_string(handshake.reason()), to_string(reason));
    }
};

}  // namespace bae::dht
