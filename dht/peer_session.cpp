#include "dht/peer_session.h"

#include <algorithm>

#include "dht/requests.h"

namespace bae::dht {

std::string_view to_string(PathKind kind) {
    switch (kind) {
        case PathKind::lan:
            return "LAN";
        case PathKind::tcp:
            return "TCP";
        case PathKind::utp:
            return "uTP";
    }
    check_failed("a path outside the list", __FILE__, __LINE__);
}

namespace {

constexpr size_t kMaxRefusalsBytes = kMaxQueuedBytes / 8;  // small messages take more memory than their bytes

// No goodbye where nobody is there to read it, or where the stream cannot be trusted any more.
bool says_goodbye(CloseReason reason) {
    return reason != CloseReason::peer_left && reason != CloseReason::link_lost && reason != CloseReason::not_opened;
}

Bye goodbye_for(CloseReason reason) {
    switch (reason) {
        case CloseReason::leaving:
        case CloseReason::silent:
            return {Bye::leaving};
        case CloseReason::not_needed:
            return {Bye::not_needed};
        case CloseReason::over_budget:
        case CloseReason::too_many_requests:
            return {Bye::over_budget};
        default:
            return {Bye::not_understood};
    }
}

// A discovery session does not tell that this node has a library.
HelloMessage hello_of(const Offers& offers, Purpose session) {
    HelloMessage out{{kSessionVersion}, {}};
    for (const Offer& offer : *offers)
        if (session != Purpose::discovery || offer.purpose == session)
            out.purposes.push_back(static_cast<uint8_t>(offer.purpose));
    std::ranges::sort(out.purposes);
    out.purposes.erase(std::unique(out.purposes.begin(), out.purposes.end()), out.purposes.end());
    return out;
}

Error cancelled() { return {ErrorKind::cancelled, "the session is not open"}; }

}  // namespace

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

// --- receiving ------------------------------------------------------------------------------------------------------

void PeerSession::Inside::receive(ByteView bytes) {
    counts.bytes_in += bytes.size();
    if (handshake) shake_hands(bytes);
    if (!open() || bytes.empty()) return;
    reader->feed(bytes);
    read_frames();
    if (open() && reader->unread() > kMaxUnreadBytes) end(CloseReason::over_budget);
}

void PeerSession::Inside::shake_hands(ByteView& bytes) {
    Bytes out;
    const auto state = handshake->receive(bytes, now.unix_s, out);
    if (!out.empty()) link_send(out);
    if (state == Handshake::State::refused) return end(handshake->reason());
    if (state == Handshake::State::secured) begin();
}

void PeerSession::Inside::begin() {
    Secured secured = handshake->take();
    handshake.reset();
    purpose = secured.purpose;
    writer.emplace(std::move(secured.sealer));
    reader.emplace(std::move(secured.opener));
    budget.emplace(secured.peer ? setup.member : setup.stranger);
    heard_ms = now.ms;
    const MessageBody hello = hello_of(setup.offers, purpose);
    queue(0, hello, std::move(*encode_message(0, hello)));
    handler.secured({purpose, secured.library, secured.epoch, std::move(secured.peer), dialled});
}

void PeerSession::Inside::read_frames() {
    while (open()) {
        if (budget->in_debt(now.ms)) {
            if (reader->has_frame() && !slowed_since_ms) slowed_since_ms = now.ms, counts.slowed++;
            return;
        }
        const size_t before = reader->unread();
        const Frame frame = reader->next();
        if (frame.kind == Frame::Kind::none) {
            slowed_since_ms.reset();
            return;
        }
        budget->spend_frame(static_cast<int64_t>(before - reader->unread()), now.ms);
        handle(frame);
    }
}

void PeerSession::Inside::handle(const Frame& frame) {
    if (frame.kind == Frame::Kind::refused) return end(frame.reason);
    heard_ms = now.ms;
    pinged_ms.reset();
    switch (frame.kind) {
        case Frame::Kind::message:
            return handle_message(frame);
        case Frame::Kind::fragment:
            progress_ms = now.ms;
            return;
        case Frame::Kind::credit:
            if (!writer->add_credit(frame.lane, frame.credit)) end(CloseReason::malformed);
            return;
        case Frame::Kind::ping:
            return writer->queue_pong();
        default:
            return;
    }
}

void PeerSession::Inside::handle_message(const Frame& frame) {
    counts.messages_in++;
    const auto message = decode_message(frame.message);
    if (!message) return end(CloseReason::malformed);
    const auto* bye = std::get_if<Bye>(&message->body);
    if ((bye != nullptr) != frame.final) return end(CloseReason::malformed);
    if (bye != nullptr) return end(CloseReason::peer_left, bye->reason);
    progress_ms = now.ms;
    dispatch(*message, frame.message);
    if (!open()) return;
    const uint32_t credit = reader->worked_off(frame.lane, frame.message.size());
    if (credit > 0) writer->queue_credit(frame.lane, credit);
}

void PeerSession::Inside::dispatch(const Message& message, ByteView raw) {
    if (!belongs_to(message.body, purpose)) return not_for_us(message);
    if (is_request(message.body)) return handle_request(message, raw);
    if (is_answer(message.body)) return handle_answer(message);
    if (const auto* heads = std::get_if<Heads>(&message.body))
        budget->spend_checks(static_cast<int64_t>(heads->heads.size()), now.ms);
    handler.message(message.body);
}

void PeerSession::Inside::not_for_us(const Message& message) {
    counts.skipped++;
    const bool unknown = std::holds_alternative<Unknown>(message.body);
    if (message.id == 0 || (!unknown && !is_request(message.body))) return;
    refuse(message.id, unknown ? Refused::unknown_message : Refused::not_here);
}

// Whoever asks and never reads the refusals would fill this end's memory with them.
void PeerSession::Inside::refuse(RequestId id, Refused::Reason reason) {
    if (writer->queued_bytes(Lane::urgent) > kMaxRefusalsBytes) return end(CloseReason::too_many_requests);
    const MessageBody body = Refused{reason};
    queue(id, body, std::move(*encode_message(id, body)));
}

void PeerSession::Inside::handle_request(const Message& message, ByteView raw) {
    if (std::holds_alternative<Pair>(message.body)) budget->spend_checks(1, now.ms);
    switch (theirs.add(message.id, message.body, raw)) {
        case TheirRequests::Added::yes:
            return;  // pump() hands it out
        case TheirRequests::Added::too_many:
            return end(CloseReason::too_many_requests);
        case TheirRequests::Added::id_in_use:
            return end(CloseReason::malformed);
    }
}

void PeerSession::Inside::handle_answer(const Message& message) {
    const Question* asked = own.find(message.id);
    if (asked == nullptr || !asked->fits(message.body)) return end(CloseReason::malformed);
    if (!own.take(message.id)) {
        counts.late++;
        return;
    }
    if (const auto* refused = std::get_if<Refused>(&message.body))
        return handler.failed(message.id, {RequestFailure::Kind::refused, refused->reason});
    handler.answer(message.id, message.body);
}

// --- sending --------------------------------------------------------------------------------------------------------

void PeerSession::Inside::pump() {
    do {
        write_frames();
    } while (open() && work_on_next());
}

void PeerSession::Inside::write_frames() {
    while (open() && link.unsent() < kMaxUnsentBytes) {
        frame_out.clear();
        if (!writer->write(frame_out)) return;
        link_send(frame_out);
    }
}

bool PeerSession::Inside::work_on_next() {
    const size_t queued = writer->queued_bytes(Lane::bulk);
    const auto next = theirs.next(queued < kAnswerBytes ? kAnswerBytes - queued : 0);
    if (!next) return false;
    const auto message = decode_message(*next);
    CHECK(message.has_value());
    handler.request(message->id, message->body);
    return true;
}

void PeerSession::Inside::link_send(ByteView bytes) {
    counts.bytes_out += bytes.size();
    link.send(bytes);
}

void PeerSession::Inside::queue(RequestId id, const MessageBody& body, Bytes encoded) {
    CHECK(id != 0 || !is_request(body));
    counts.messages_out++;
    writer->queue(lane_of(body), std::move(encoded));
}

// --- time and the end -----------------------------------------------------------------------------------------------

void PeerSession::Inside::check_time() {
    if (handshake) {
        if (now.ms - started_ms >= kHandshakeTimeout_ms) end(CloseReason::handshake_timeout);
        return;
    }
    read_frames();
    if (!open()) return;
    if (slowed_since_ms) {
        if (now.ms - *slowed_since_ms >= kSlowedTooLong_ms) end(CloseReason::over_budget);
        return;
    }
    if (now.ms - heard_ms >= kSilentAfter_ms) return end(CloseReason::silent);
    if (now.ms - heard_ms >= kPingAfter_ms && !pinged_ms) {
        pinged_ms = now.ms;
        writer->queue_ping();
    }
    check_requests();
}

void PeerSession::Inside::check_requests() {
    for (const RequestId id : own.time_out(now.ms, progress_ms)) {
        handler.failed(id, {RequestFailure::Kind::timed_out, 0});
        if (!open()) return;
    }
}

int64_t PeerSession::Inside::next_event_ms() const {
    if (closed) return INT64_MAX;
    if (handshake) return started_ms + kHandshakeTimeout_ms;
    int64_t out = heard_ms + (pinged_ms ? kSilentAfter_ms : kPingAfter_ms);
    if (slowed_since_ms) {
        Budget copy = *budget;
        out = std::min(copy.debt_free_at_ms(now.ms), *slowed_since_ms + kSlowedTooLong_ms);
    }
    if (const auto timeout = own.next_timeout_ms(progress_ms)) out = std::min(out, *timeout);
    return out;
}

void PeerSession::Inside::end(CloseReason reason, uint16_t bye) {
    if (closed) return;
    const std::vector<RequestId> unanswered = own.waiting();
    if (writer && says_goodbye(reason)) say_goodbye(reason);
    closed = true;
    link.close(reason);
    for (const RequestId id : unanswered) handler.failed(id, {RequestFailure::Kind::closed, 0});
    handler.closed({reason, bye});
}

void PeerSession::Inside::say_goodbye(CloseReason reason) {
    frame_out.clear();
    writer->finish(*encode_message(0, goodbye_for(reason)), frame_out);
    link_send(frame_out);
}

// --- the outside ----------------------------------------------------------------------------------------------------

PeerSession::PeerSession(std::unique_ptr<Inside> inside) : inside_(std::move(inside)) {}
PeerSession::~PeerSession() = default;

std::unique_ptr<PeerSession> PeerSession::dial(PeerLink& link, PeerHandler& handler, SessionSetup setup, size_t offer,
                                               Now now) {
    Bytes hello;
    Handshake handshake = Handshake::initiate(setup.self, setup.offers, offer, setup.admit, *setup.random, hello);
    auto inside = std::make_unique<Inside>(link, handler, std::move(setup), std::move(handshake), true, now);
    inside->link_send(hello);
    return std::unique_ptr<PeerSession>(new PeerSession(std::move(inside)));
}

std::unique_ptr<PeerSession> PeerSession::accept(PeerLink& link, PeerHandler& handler, SessionSetup setup, Now now) {
    Handshake handshake = Handshake::respond(setup.self, setup.offers, setup.admit, *setup.random);
    auto inside = std::make_unique<Inside>(link, handler, std::move(setup), std::move(handshake), false, now);
    return std::unique_ptr<PeerSession>(new PeerSession(std::move(inside)));
}

void PeerSession::received(ByteView bytes, Now now) {
    inside_->event(now, [&] { inside_->receive(bytes); });
}

void PeerSession::drained(Now now) {
    inside_->event(now, [] {});
}

void PeerSession::lost(Now now) {
    inside_->event(now, [&] { inside_->end(CloseReason::link_lost); });
}

void PeerSession::time_passed(Now now) {
    inside_->event(now, [&] { inside_->check_time(); });
}

int64_t PeerSession::next_event_ms() const { return inside_->next_event_ms(); }

Result<void> PeerSession::send(const MessageBody& message, Now now) {
    Inside& self = *inside_;
    if (!self.open()) return tl::unexpected<Error>(cancelled());
    if (is_request(message) || is_answer(message) || std::holds_alternative<Bye>(message) ||
        !belongs_to(message, self.purpose))
        return fail(ErrorKind::invalid_input,
                    "this message cannot be sent so in a session for " + std::string(to_string(self.purpose)));
    if (self.writer->queued_bytes(lane_of(message)) >= kMaxQueuedBytes)
        return fail(ErrorKind::retry, "too much waits to be sent to this peer");
    Bytes encoded = TRY(encode_message(0, message));
    self.event(now, [&] { self.queue(0, message, std::move(encoded)); });
    return {};
}

Result<RequestId> PeerSession::ask(const MessageBody& request, Now now) {
    Inside& self = *inside_;
    if (!self.open()) return tl::unexpected<Error>(cancelled());
    if (!is_request(request) || !belongs_to(request, self.purpose))
        return fail(ErrorKind::invalid_input,
                    "this cannot be asked in a session for " + std::string(to_string(self.purpose)));
    if (self.own.full() || self.writer->queued_bytes(lane_of(request)) >= kMaxQueuedBytes)
        return fail(ErrorKind::retry, "too many requests to this peer are open");
    TRY(encode_message(1, request));  // before it has a number
    RequestId id = 0;
    self.event(now, [&] {
        id = self.own.add(Question::of(request), now.ms);
        self.queue(id, request, std::move(*encode_message(id, request)));
    });
    return id;
}

Result<void> PeerSession::answer(RequestId id, const MessageBody& answer, Now now) {
    Inside& self = *inside_;
    if (!self.open()) return tl::unexpected<Error>(cancelled());
    const Question* question = self.theirs.working_on(id);
    if (question == nullptr) return fail(ErrorKind::invalid_input, "no request with this number waits for an answer");
    if (!is_answer(answer) || !question->fits(answer))
        return fail(ErrorKind::invalid_input, "the answer does not fit to the request");
    Bytes encoded = TRY(encode_message(id, answer));
    self.event(now, [&] {
        self.theirs.answered(id);
        self.queue(id, answer, std::move(encoded));
    });
    return {};
}

void PeerSession::spend_checks(int64_t count, Now now) {
    Inside& self = *inside_;
    if (self.open()) self.budget->spend_checks(count, now.ms);
}

void PeerSession::close(CloseReason reason, Now now) {
    inside_->event(now, [&] { inside_->end(reason); });
}

bool PeerSession::is_secured() const { return inside_->open(); }
bool PeerSession::is_closed() const { return inside_->closed; }
const SessionCounts& PeerSession::counts() const { return inside_->counts; }

}  // namespace bae::dht
