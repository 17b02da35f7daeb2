#include "node/import/audio_mark.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace bae::node {
namespace {

constexpr uint64_t kPrime = 0x00000100000001b3;
constexpr size_t kPageHead = 27;

uint64_t mixed(uint64_t state, uint64_t word) { return std::rotl(state ^ word, 29) * kPrime; }

}  // namespace

void AudioSum::add(ByteView bytes) {
    const auto stripe = [this](const std::byte* from) {
        for (size_t i = 0; i < lanes_.size(); ++i) {
            uint64_t word = 0;
            std::memcpy(&word, from + 8 * i, 8);
            lanes_[i] = mixed(lanes_[i], word);
        }
    };
    const size_t held = size_ % rest_.size();
    size_ += bytes.size();
    if (held > 0) {
        const size_t more = std::min(rest_.size() - held, bytes.size());
        std::copy_n(bytes.begin(), more, rest_.begin() + static_cast<std::ptrdiff_t>(held));
        bytes = bytes.subspan(more);
        if (held + more < rest_.size()) return;
        stripe(rest_.data());
    }
    for (; bytes.size() >= rest_.size(); bytes = bytes.subspan(rest_.size())) stripe(bytes.data());
    std::copy(bytes.begin(), bytes.end(), rest_.begin());
}

uint64_t AudioSum::value() const {
    uint64_t value = size_;
    for (const uint64_t lane : lanes_) value = mixed(value, lane);
    for (size_t i = 0; i < size_ % rest_.size(); ++i) value = mixed(value, std::to_integer<uint64_t>(rest_[i]));
    return value;
}

void AudioMarker::add(ByteView bytes) {
    if (place_.ogg_headers > 0)
        add_pages(bytes);
    else
        add_extents(bytes);
    at_ += bytes.size();
}

void AudioMarker::add_extents(ByteView bytes) {
    for (const AudioExtent& extent : place_.extents) {
        const uint64_t begin = std::max(extent.begin, at_), end = std::min(extent.end, at_ + bytes.size());
        if (begin < end) sum_.add(bytes.subspan(static_cast<size_t>(begin - at_), static_cast<size_t>(end - begin)));
    }
}

void AudioMarker::add_pages(ByteView bytes) {
    while (!bytes.empty()) {
        const size_t head =
            page_.size() < kPageHead ? kPageHead : kPageHead + std::to_integer<size_t>(page_[kPageHead - 1]);
        const uint64_t want = body_left_ > 0 ? body_left_ : head - page_.size();
        const ByteView part = bytes.first(static_cast<size_t>(std::min<uint64_t>(want, bytes.size())));
        bytes = bytes.subspan(part.size());
        if (body_left_ > 0) {
            body_left_ -= part.size();
            if (is_sound_) sum_.add(part);
            continue;
        }
        append(page_, part);
        if (page_.size() >= kPageHead && page_.size() == kPageHead + std::to_integer<size_t>(page_[kPageHead - 1]))
            begin_page();
    }
}

// The sound begins on a page of its own.
void AudioMarker::begin_page() {
    is_sound_ = packets_ >= place_.ogg_headers;
    for (const std::byte length : ByteView(page_).subspan(kPageHead)) {
        body_left_ += std::to_integer<uint64_t>(length);
        if (length != std::byte{255}) packets_ = std::min(packets_ + 1, place_.ogg_headers);
    }
    page_.clear();
}

Bytes AudioMarker::mark() const {
    Bytes out(16);
    write_big_endian(ByteSpan(out).first(8), sum_.value());
    write_big_endian(ByteSpan(out).subspan(8), sum_.size());
    return out;
}

uint64_t sound_bytes(ByteView mark) { return mark.size() == 16 ? read_big_endian(mark.subspan(8)) : 0; }

}  // namespace bae::node
