#include "dht/frame_kinds.h"
#include "dht/frames.h"

namespace bae::dht {

namespace {

constexpr size_t kMinSealedBytes = crypto::kStreamOverheadBytes + kFrameHeadBytes;
constexpr size_t kMaxSealedBytes = kMaxFrameBytes - kFrameLengthBytes;

Frame refused(CloseReason reason) {
    Frame out;
    out.kind = Frame::Kind::refused;
    out.reason = reason;
    return out;
}

}  // namespace

void FrameReader::feed(ByteView bytes) {
    if (at_ == input_.size() || at_ > kMaxFrameBytes) {
        input_.erase(input_.begin(), input_.begin() + static_cast<std::ptrdiff_t>(at_));
        at_ = 0;
    }
    append(input_, bytes);
}

std::optional<size_t> FrameReader::frame_size() const {
    if (unread() < kFrameLengthBytes) return std::nullopt;
    return kFrameLengthBytes + read_big_endian(ByteView(input_).subspan(at_, kFrameLengthBytes));
}

bool FrameReader::has_frame() const {
    const auto size = frame_size();
    return size && unread() >= *size;
}

Frame FrameReader::next() {
    const auto size = frame_size();
    if (!size) return {};
    const size_t sealed = *size - kFrameLengthBytes;
    if (sealed < kMinSealedBytes || sealed > kMaxSealedBytes) return refused(CloseReason::malformed);
    if (unread() < *size) return {};
    plain_.resize(sealed - crypto::kStreamOverheadBytes);
    const auto tag = opener_.open(ByteView(input_).subspan(at_ + kFrameLengthBytes, sealed), plain_);
    at_ += *size;
    if (!tag) return refused(CloseReason::not_opened);
    return read(plain_, *tag == crypto::StreamTag::final);
}

Frame FrameReader::read(ByteView plain, bool final) {
    const auto kind = std::to_integer<uint8_t>(plain[0]);
    const auto lane = std::to_integer<size_t>(plain[1]);
    const ByteView rest = plain.subspan(kFrameHeadBytes);
    if (lane >= kLanes || final != (kind == kFinalFrame)) return refused(CloseReason::malformed);
    Frame out;
    out.lane = static_cast<Lane>(lane);
    out.final = final;
    if (kind == kFragmentFrame || kind == kLastFragmentFrame)
        return read_fragment(lanes_[lane], out, rest, kind == kLastFragmentFrame);
    if (kind == kCreditFrame && rest.size() == kCreditBytes) {
        out.kind = Frame::Kind::credit;
        out.credit = static_cast<uint32_t>(read_big_endian(rest));
        return out.credit > 0 ? out : refused(CloseReason::malformed);
    }
    if (lane != 0) return refused(CloseReason::malformed);
    if (kind == kFinalFrame && !rest.empty()) {
        out.kind = Frame::Kind::message;
        out.message = rest;
        return out;
    }
    if ((kind != kPingFrame && kind != kPongFrame) || !rest.empty()) return refused(CloseReason::malformed);
    out.kind = kind == kPingFrame ? Frame::Kind::ping : Frame::Kind::pong;
    return out;
}

Frame FrameReader::read_fragment(LaneState& lane, Frame frame, ByteView rest, bool last) {
    if (rest.empty() || lane.message.size() + rest.size() > kMaxMessageBytes) return refused(CloseReason::malformed);
    if (rest.size() > lane.credit) return refused(CloseReason::window_exceeded);
    lane.credit -= rest.size();
    frame.kind = last ? Frame::Kind::message : Frame::Kind::fragment;
    if (last && lane.message.empty()) {
        frame.message = rest;
        return frame;
    }
    append(lane.message, rest);
    if (!last) return frame;
    whole_ = std::exchange(lane.message, {});
    frame.message = whole_;
    return frame;
}

uint32_t FrameReader::worked_off(Lane lane, size_t bytes) {
    LaneState& state = lanes_[static_cast<size_t>(lane)];
    CHECK(state.credit + state.to_give_back + bytes <= kLaneWindow);
    state.to_give_back += static_cast<uint32_t>(bytes);
    if (state.to_give_back < kCreditPortion) return 0;
    state.credit += state.to_give_back;
    return std::exchange(state.to_give_back, 0);
}

}  // namespace bae::dht
