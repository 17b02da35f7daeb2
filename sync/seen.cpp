#include "sync/seen.h"

namespace bae::sync {

Result<SeenVector> SeenVector::decode(ByteView bytes) {
    SeenVector out;
    if (bytes.size() % 16 != 0) return fail(ErrorKind::corrupt, "a vector of seen stamps has a wrong length");
    for (size_t i = 0; i < bytes.size(); i += 16) {
        Stamp stamp;
        stamp.device = TRY(crypto::DeviceId::from(bytes.subspan(i, 8)));
        uint64_t reading = 0;
        for (std::byte b : bytes.subspan(i + 8, 8)) reading = reading << 8 | std::to_integer<uint64_t>(b);
        stamp.ms = static_cast<int64_t>(reading / 10000);
        stamp.counter = static_cast<int>(reading % 10000);
        out.raise(stamp);
    }
    return out;
}

Bytes SeenVector::encode() const {
    Bytes out;
    out.reserve(stamps_.size() * 16);
    for (const auto& [device, stamp] : stamps_) {
        append(out, device.view());
        const auto reading = static_cast<uint64_t>(stamp.ms) * 10000 + static_cast<uint64_t>(stamp.counter);
        for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<std::byte>(reading >> shift));
    }
    return out;
}

bool SeenVector::has(const Stamp& stamp) const {
    const auto found = stamps_.find(stamp.device);
    return found != stamps_.end() && found->second >= stamp;
}

void SeenVector::raise(const Stamp& stamp) {
    Stamp& mine = stamps_.try_emplace(stamp.device, stamp).first->second;
    if (mine < stamp) mine = stamp;
}

void SeenVector::raise(const std::vector<SeenStamp>& stamps) {
    for (const SeenStamp& s : stamps) raise(s.stamp);
}

std::vector<SeenStamp> SeenVector::stamps() const {
    std::vector<SeenStamp> out;
    for (const auto& [device, stamp] : stamps_) out.push_back({device, stamp});
    return out;
}

}  // namespace bae::sync
