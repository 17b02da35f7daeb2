#pragma once
// A small random source: the same numbers from the same seed everywhere, cheap to start anew for every step.
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <vector>

namespace bae::property {

class Rng {
  public:
    explicit Rng(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15 + 0x632be59bd9b4e019) { next(); }
    uint64_t next() {  // splitmix64 (Steele, Lea, Flood 2014)
        uint64_t z = state_ += 0x9e3779b97f4a7c15;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
    }
    size_t below(size_t bound) { return bound == 0 ? 0 : next() % bound; }
    size_t between(size_t low, size_t high) { return low + below(high - low + 1); }
    bool percent(unsigned chance) { return below(100) < chance; }
    template <class T>
    const T& pick(const std::vector<T>& from) {
        return from[below(from.size())];
    }
    template <class T>
    T one_of(std::initializer_list<T> from) {
        return *(from.begin() + below(from.size()));
    }
    template <class T>
    void shuffle(std::vector<T>& items) {
        for (size_t i = items.size(); i > 1; i--) std::swap(items[i - 1], items[below(i)]);
    }

  private:
    uint64_t state_;
};

}  // namespace bae::property
