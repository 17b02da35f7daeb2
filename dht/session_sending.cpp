#include "dht/session_inside.h"

namespace bae::dht {

namespace {

// No goodbye where nobody is there to read it, or where the stream cannot be trusted any more.
bool says_goodbye(CloseReason reason) {
    return reason != CloseReason::peer_left && reason != CloseReason::link_lost && reason != CloseReason::not_opened;
}

}  // namespace

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

}  // namespace bae::dht
