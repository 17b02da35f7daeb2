#pragma once
// Messages cut into sealed frames, with credit, so that neither end ever holds more of the other's bytes than it said.
//
//   frame    := length (2, big-endian) | sealed piece of that length (crypto/stream.h); at most 64 KiB in all
//   plain    := kind (1) | lane (1) | rest
//   kinds    := 1 fragment, more of the message follow; 2 last fragment; both: rest = 1 byte at least
//               3 credit: rest = bytes (4, big-endian, at least 1); 4 ping, 5 pong: lane 0, no rest
//               6 the last frame of a session: lane 0, rest = a whole message; it alone is sealed with the tag `final`
//
// Two lanes: 0 urgent (news, heads, questions), 1 bulk (objects, listings). Fragments of one message are in order and
// never mixed with those of another message of its lane; frames of both lanes alternate while both have something to
// send, so that news waits for one frame at most. Each lane begins with a credit of kLaneWindow; a fragment uses up its
// size, and what the receiver has worked off is given back by a credit frame. Unknown kinds and lanes are refused: a
// new one needs a new version in the hello.
#include <array>
#include <deque>
#include <optional>

#include "crypto/stream.h"
#include "dht/close_reason.h"

namespace bae::dht {

constexpr size_t kMaxFrameBytes = 64 << 10;
constexpr size_t kFrameLengthBytes = 2;
constexpr size_t kFrameHeadBytes = 2;
constexpr size_t kMaxFragmentBytes =
    kMaxFrameBytes - kFrameLengthBytes - crypto::kStreamOverheadBytes - kFrameHeadBytes;
constexpr size_t kMaxMessageBytes = 512 << 10;
constexpr size_t kLaneWindow = 1 << 20;
// Credit is given back in portions of this size. What is held back and a message of any size fit into the window
// together, else a long message could wait for credit that waits for the message.
constexpr size_t kCreditPortion = kLaneWindow / 4;
static_assert(kCreditPortion + kMaxMessageBytes <= kLaneWindow);
constexpr uint64_t kRekeyBytes = 1 << 30;  // a direction goes on with a new key after this much

enum class Lane : uint8_t { urgent = 0, bulk = 1 };
constexpr size_t kLanes = 2;

class FrameWriter {
  public:
    explicit FrameWriter(crypto::StreamSealer sealer, uint64_t rekey_bytes = kRekeyBytes);

    void queue(Lane lane, Bytes message);  // 1 to kMaxMessageBytes
    void queue_credit(Lane lane, uint32_t bytes);
    void queue_ping();
    void queue_pong();
    // What the other end gave back; false if that is more than it ever received.
    [[nodiscard]] bool add_credit(Lane lane, uint32_t bytes);

    // Appends the next frame to `out`; false if there is none, or none for which there is credit.
    bool write(Bytes& out);
    // Appends the last frame of the session; what is queued is not sent any more. `message` has at most
    // kMaxFragmentBytes and needs no credit.
    void finish(ByteView message, Bytes& out);

    size_t queued_bytes(Lane lane) const { return lanes_[static_cast<size_t>(lane)].queued; }

  private:
    struct LaneState {
        std::deque<Bytes> messages;
        size_t sent = 0;    // of the first one
        size_t queued = 0;  // of all, without what was sent
        size_t credit = kLaneWindow;
        bool may_send() const { return !messages.empty() && credit > 0; }
    };
    bool write_control(Bytes& out);
    void write_fragment(Lane lane, Bytes& out);
    void seal(uint8_t kind, Lane lane, ByteView rest, crypto::StreamTag tag, Bytes& out);

    crypto::StreamSealer sealer_;
    uint64_t rekey_bytes_;
    uint64_t since_rekey_ = 0;
    std::array<LaneState, kLanes> lanes_;
    std::array<uint32_t, kLanes> credit_to_give_{};
    bool ping_ = false;
    bool pong_ = false;
    Lane last_ = Lane::bulk;
    Bytes plain_;
};

// What one frame said. Bytes are valid until the next call of the reader.
struct Frame {
    enum class Kind {
        none,      // more bytes are needed
        fragment,  // of a message that is not whole yet
        message,   // a whole one
        credit,
        ping,
        pong,
        refused  // the stream is of no further use: `reason`
    };
    Kind kind = Kind::none;
    Lane lane = Lane::urgent;
    ByteView message;
    uint32_t credit = 0;
    bool final = false;  // nothing follows
    CloseReason reason = CloseReason::malformed;
};

class FrameReader {
  public:
    explicit FrameReader(crypto::StreamOpener opener) : opener_(std::move(opener)) {}

    void feed(ByteView bytes);
    Frame next();
    bool has_frame() const;                                // is a whole frame waiting?
    size_t unread() const { return input_.size() - at_; }  // fed and not taken by next()
    // A message of this lane and size was worked off. What is to be given back now, 0 if not yet enough.
    uint32_t worked_off(Lane lane, size_t bytes);

  private:
    struct LaneState {
        Bytes message;
        size_t credit = kLaneWindow;
        uint32_t to_give_back = 0;
    };
    std::optional<size_t> frame_size() const;
    Frame read(ByteView plain, bool final);
    Frame read_fragment(LaneState& lane, Frame frame, ByteView rest, bool last);

    crypto::StreamOpener opener_;
    Bytes input_;
    size_t at_ = 0;
    Bytes plain_;
    Bytes whole_;
    std::array<LaneState, kLanes> lanes_;
};

}  // namespace bae::dht
