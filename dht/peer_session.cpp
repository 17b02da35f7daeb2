#include "dht/peer_session.h"

#include <algorithm>

#include "dht/session_inside.h"

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

Error cancelled() { return {ErrorKind::cancelled, "the session is not open"}; }

}  // namespace

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
