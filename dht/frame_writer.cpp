#include <algorithm>

#include "dht/frame_kinds.h"
#include "dht/frames.h"

namespace bae::dht {

namespace {

size_t index_of(Lane lane) { return static_cast<size_t>(lane); }
Lane other(Lane lane) { return lane == Lane::urgent ? Lane::bulk : Lane::urgent; }

}  // namespace

FrameWriter::FrameWriter(crypto::StreamSealer sealer, uint64_t rekey_bytes)
    : sealer_(std::move(sealer)), rekey_bytes_(rekey_bytes) {}

void FrameWriter::queue(Lane lane, Bytes message) {
    CHECK(!message.empty() && message.size() <= kMaxMessageBytes);
    LaneState& state = lanes_[index_of(lane)];
    state.queued += message.size();
    state.messages.push_back(std::move(message));
}

void FrameWriter::queue_credit(Lane lane, uint32_t bytes) { credit_to_give_[index_of(lane)] += bytes; }
void FrameWriter::queue_ping() { ping_ = true; }
void FrameWriter::queue_pong() { pong_ = true; }

bool FrameWriter::add_credit(Lane lane, uint32_t bytes) {
    size_t& credit = lanes_[index_of(lane)].credit;
    if (bytes > kLaneWindow - credit) return false;
    credit += bytes;
    return true;
}

bool FrameWriter::write(Bytes& out) {
    if (write_control(out)) return true;
    const Lane turn = other(last_);
    if (lanes_[index_of(turn)].may_send()) return write_fragment(turn, out), true;
    if (lanes_[index_of(last_)].may_send()) return write_fragment(last_, out), true;
    return false;
}

bool FrameWriter::write_control(Bytes& out) {
    for (const Lane lane : {Lane::urgent, Lane::bulk}) {
        uint32_t& credit = credit_to_give_[index_of(lane)];
        if (credit == 0) continue;
        std::array<std::byte, kCreditBytes> rest;
        write_big_endian(rest, std::exchange(credit, 0));
        seal(kCreditFrame, lane, rest, crypto::StreamTag::piece, out);
        return true;
    }
    if (std::exchange(pong_, false)) return seal(kPongFrame, Lane::urgent, {}, crypto::StreamTag::piece, out), true;
    if (std::exchange(ping_, false)) return seal(kPingFrame, Lane::urgent, {}, crypto::StreamTag::piece, out), true;
    return false;
}

void FrameWriter::write_fragment(Lane lane, Bytes& out) {
    LaneState& state = lanes_[index_of(lane)];
    const Bytes& message = state.messages.front();
    const size_t size = std::min({message.size() - state.sent, kMaxFragmentBytes, state.credit});
    const bool last = state.sent + size == message.size();
    const auto tag = since_rekey_ >= rekey_bytes_ ? crypto::StreamTag::rekey : crypto::StreamTag::piece;
    seal(last ? kLastFragmentFrame : kFragmentFrame, lane, ByteView(message).subspan(state.sent, size), tag, out);
    state.sent += size;
    state.queued -= size;
    state.credit -= size;
    last_ = lane;
    if (!last) return;
    state.messages.pop_front();
    state.sent = 0;
}

void FrameWriter::finish(ByteView message, Bytes& out) {
    CHECK(!message.empty() && message.size() <= kMaxFragmentBytes);
    seal(kFinalFrame, Lane::urgent, message, crypto::StreamTag::final, out);
}

void FrameWriter::seal(uint8_t kind, Lane lane, ByteView rest, crypto::StreamTag tag, Bytes& out) {
    plain_.assign({std::byte{kind}, static_cast<std::byte>(lane)});
    append(plain_, rest);
    const size_t sealed = plain_.size() + crypto::kStreamOverheadBytes;
    const size_t start = out.size();
    out.resize(start + kFrameLengthBytes + sealed);
    write_big_endian(ByteSpan(out).subspan(start, kFrameLengthBytes), sealed);
    sealer_.seal(tag, plain_, ByteSpan(out).subspan(start + kFrameLengthBytes));
    since_rekey_ = tag == crypto::StreamTag::rekey ? 0 : since_rekey_ + sealed;
}

}  // namespace bae::dht
