#pragma once
// Amounts for people.
#include <cstdint>
#include <deque>
#include <string>

namespace bae::node {

std::string size_text(uint64_t bytes);  // 310.5 MB

// How fast a growing count of bytes grew over the last seconds.
class Rate {
  public:
    void note(int64_t now_ms, uint64_t bytes);
    uint64_t per_s() const;  // 0 before there is anything to tell from

  private:
    struct Sample {
        int64_t at_ms = 0;
        uint64_t bytes = 0;
    };
    std::deque<Sample> samples_;
};

}  // namespace bae::node
