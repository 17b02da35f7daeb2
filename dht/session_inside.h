#pragma once
// Private to this folder. What is inside a PeerSession: peer_session.cpp has its outside and the time,
// session_receiving.cpp the way in, session_sending.cpp the way out.
#include "dht/peer_session.h"
#include "dht/requests.h"

namespace bae::dht {

struct PeerSession::Inside {
    Inside(PeerLink& link_, PeerHandler& handler_, SessionSetup setup_, Handshake handshake_, bool dialled_, Now start)
        : link(link_),
          handler(handler_),
          setup(std::move(setup_)),
          handshake(std::move(handshake_)),
          dialled(dialled_),
          now(start),
          started_ms(start.ms),
          heard_ms(start.ms),
          progress_ms(start.ms) {}

    PeerLink& link;
    PeerHandler& handler;
    SessionSetup setup;
    std::optional<Handshake> handshake;  // until secured
    bool dialled;
    Now now;
    int64_t started_ms;
    int64_t heard_ms;     // of the last whole frame
    int64_t progress_ms;  // of the last fragment
    std::optional<int64_t> pinged_ms;
    std::optional<int64_t> slowed_since_ms;
    bool closed = false;
    bool busy = false;

    Purpose purpose = Purpose::library;
    std::optional<FrameWriter> writer;
    std::optional<FrameReader> reader;
    std::optional<Budget> budget;
    OwnRequests own;
    TheirRequests theirs;
    SessionCounts counts;
    Bytes frame_out;

    bool open() const { return !closed && writer.has_value(); }
    // Runs an event; the outermost one sends what it led to. Events from within the handler only queue.
    template <class Work>
    void event(Now at, Work work) {
        if (closed) return;
        now = at;
        const bool outermost = !std::exchange(busy, true);
        work();
        if (!outermost) return;
        pump();
        busy = false;
    }

    void receive(ByteView bytes);
    void shake_hands(ByteView& bytes);
    void begin();
    void read_frames();
    void handle(const Frame& frame);
    void handle_message(const Frame& frame);
    void dispatch(const Message& message, ByteView raw);
    void handle_request(const Message& message, ByteView raw);
    void handle_answer(const Message& message);
    void not_for_us(const Message& message);
    void refuse(RequestId id, Refused::Reason reason);

    void pump();
    void write_frames();
    bool work_on_next();
    void link_send(ByteView bytes);
    void queue(RequestId id, const MessageBody& body, Bytes encoded);

    void check_time();
    void check_requests();
    int64_t next_event_ms() const;
    void end(CloseReason reason, uint16_t bye = 0);
    void say_goodbye(CloseReason reason);
};

}  // namespace bae::dht
