#pragma once
// Tells a retagged file from a damaged one: a checksum of the sound alone, taken while the file is hashed. Against
// accidents only, and local; the hash that names sound to others is another.
#include <array>

#include "node/import/audio_file.h"

namespace bae::node {

// FNV-1a over words instead of bytes, in four lanes. The same for any division into parts.
class AudioSum {
  public:
    void add(ByteView bytes);
    uint64_t size() const { return size_; }
    uint64_t value() const;

  private:
    std::array<uint64_t, 4> lanes_{1, 2, 3, 4};
    std::array<std::byte, 32> rest_{};
    uint64_t size_ = 0;
};

class AudioMarker {
  public:
    explicit AudioMarker(AudioPlace place) : place_(std::move(place)) {}
    void add(ByteView bytes);  // the file from its beginning, in parts
    Bytes mark() const;        // 16 bytes: the checksum, then the size of the sound

  private:
    void add_extents(ByteView bytes);
    void add_pages(ByteView bytes);
    void begin_page();

    AudioPlace place_;
    AudioSum sum_;
    uint64_t at_ = 0;
    Bytes page_;  // the header of an Ogg page, as far as it has been met
    uint64_t body_left_ = 0;
    int packets_ = 0;
    bool is_sound_ = false;
};

uint64_t sound_bytes(ByteView mark);  // 0 if it tells none

}  // namespace bae::node
