#pragma once
// Private to this folder. The numbers of frames.h.
#include <cstddef>
#include <cstdint>

namespace bae::dht {

constexpr uint8_t kFragmentFrame = 1;
constexpr uint8_t kLastFragmentFrame = 2;
constexpr uint8_t kCreditFrame = 3;
constexpr uint8_t kPingFrame = 4;
constexpr uint8_t kPongFrame = 5;
constexpr uint8_t kFinalFrame = 6;
constexpr size_t kCreditBytes = 4;

}  // namespace bae::dht
