#pragma once
// One conversation with one other node over one link: the handshake, then messages until one of them leaves. Driven by
// events alone (bytes came, the link drained, time passed); no thread, no socket, no clock of its own.
//
// In memory for one peer, whatever it does: 2 windows of received messages (frames.h), kMaxUnreadBytes not yet opened,
// kMaxOpenRequests questions, kAnswerBytes of answers, kMaxQueuedBytes of own messages, kMaxUnsentBytes in the link.
//
// A peer over budget (budget.h) is slowed: what it sends waits. If it sends on regardless of that or stays over budget
// for kSlowedTooLong_ms it is dropped.
#include <memory>

#include "dht/budget.h"
#include "dht/handshake.h"
#include "dht/messages.h"
#include "dht/peer_link.h"

namespace bae::dht {

struct Now {
    int64_t ms = 0;      // of a clock that never goes back
    int64_t unix_s = 0;  // what certificates are judged by
};

struct Peer {
    Purpose purpose = Purpose::library;
    crypto::LibraryId library;
    size_t epoch = 0;  // of the secret, 0: the newest of the own offer
    std::optional<crypto::Certificate> certificate;
    bool dialled_by_us = false;
};

struct RequestFailure {
    enum class Kind { refused, timed_out, closed };
    Kind kind = Kind::refused;
    uint16_t reason = 0;  // of `refused`: Refused::Reason, or a newer number
};

struct Closing {
    CloseReason reason = CloseReason::leaving;
    uint16_t bye = 0;  // of `peer_left`: Bye::Reason, or a newer number
};

// Who uses a session. Texts and bytes in messages are valid during the call. Everything of the session may be called
// from here but its destructor; what is sent then leaves after the call.
class PeerHandler {
  public:
    virtual ~PeerHandler() = default;
    virtual void secured(const Peer& peer) = 0;                          // first, and at most once
    virtual void message(const MessageBody& message) = 0;                // hello, heads, news
    virtual void request(RequestId id, const MessageBody& request) = 0;  // want, list, pair: to be answered once
    virtual void answer(RequestId id, const MessageBody& answer) = 0;    // object, names, pair; fits to what was asked
    virtual void failed(RequestId id, const RequestFailure& failure) = 0;  // instead of an answer
    virtual void closed(const Closing& closing) = 0;                       // last, once
};

struct SessionSetup {
    Self self;
    Offers offers;
    Admission admit;
    crypto::Random* random = nullptr;
    BudgetRates member = kMemberRates;      // of peers that showed an accepted certificate
    BudgetRates stranger = kStrangerRates;  // of all others
};

struct SessionCounts {
    uint64_t bytes_in = 0;
    uint64_t bytes_out = 0;
    uint64_t messages_in = 0;
    uint64_t messages_out = 0;
    uint64_t skipped = 0;  // of an unknown type, or not for this purpose
    uint64_t late = 0;     // answers after their time
    uint64_t slowed = 0;   // times the peer was made to wait
};

constexpr size_t kMaxUnreadBytes = 4 << 20;
constexpr size_t kMaxQueuedBytes = 1 << 20;
constexpr size_t kAnswerBytes = 1 << 20;
constexpr size_t kMaxUnsentBytes = 128 << 10;
constexpr int64_t kHandshakeTimeout_ms = 15'000;
constexpr int64_t kPingAfter_ms = 30'000;    // of hearing nothing
constexpr int64_t kSilentAfter_ms = 90'000;  // no whole frame for so long: gone
constexpr int64_t kSlowedTooLong_ms = 60'000;

class PeerSession {
  public:
    // Link, handler and what `setup` points to outlive the session. The link's listener is whoever drives the session.
    static std::unique_ptr<PeerSession> dial(PeerLink& link, PeerHandler& handler, SessionSetup setup, size_t offer,
                                             Now now);
    static std::unique_ptr<PeerSession> accept(PeerLink& link, PeerHandler& handler, SessionSetup setup, Now now);
    ~PeerSession();

    // --- events
    void received(ByteView bytes, Now now);
    void drained(Now now);
    void lost(Now now);
    void time_passed(Now now);
    int64_t next_event_ms() const;  // when time_passed() has something to do next; INT64_MAX once closed

    // --- talking; all of it fails with `cancelled` before the session is secured and after it was closed
    // hello, heads, news. retry: too much is queued already; invalid_input: breaks a limit or is not for this purpose.
    Result<void> send(const MessageBody& message, Now now);
    // want, list, pair. retry: kMaxOpenRequests are open, or too much is queued.
    Result<RequestId> ask(const MessageBody& request, Now now);
    // object, names, pair or refused, to a request that the handler was given and has not answered. invalid_input if it
    // does not fit to what was asked.
    Result<void> answer(RequestId id, const MessageBody& answer, Now now);
    // Checking signatures that the peer made us check beyond one per head, which the session counts itself.
    void spend_checks(int64_t count, Now now);
    void close(CloseReason reason, Now now);  // says goodbye if there is somebody to say it to; the handler is told

    bool is_secured() const;
    bool is_closed() const;
    const SessionCounts& counts() const;

  private:
    struct Inside;
    explicit PeerSession(std::unique_ptr<Inside> inside);
    std::unique_ptr<Inside> inside_;
};

}  // namespace bae::dht
