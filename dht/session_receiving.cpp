#include <algorithm>

#include "dht/session_inside.h"

namespace bae::dht {

namespace {

constexpr size_t kMaxRefusalsBytes = kMaxQueuedBytes / 8;  // small messages take more memory than their bytes

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

}  // namespace

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
    if (state == Handshake::State::refused) return end(handshake->reason(), handshake->bye());
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

}  // namespace bae::dht
