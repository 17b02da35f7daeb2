#pragma once
// What the author of a transaction had seen: the greatest stamp per device. Stored as 16 bytes per device, ascending by
// device: device id (8), milliseconds * 10000 + counter (8, big-endian).
#include <map>
#include <vector>

#include "sync/database.h"

namespace bae::sync {

class SeenVector {
  public:
    static Result<SeenVector> decode(ByteView bytes);  // corrupt
    Bytes encode() const;

    // Had the author seen a transaction of this stamp?
    bool has(const Stamp& stamp) const;
    void raise(const Stamp& stamp);  // of the device in the stamp
    void raise(const std::vector<SeenStamp>& stamps);
    std::vector<SeenStamp> stamps() const;

  private:
    std::map<crypto::DeviceId, Stamp> stamps_;
};

}  // namespace bae::sync
