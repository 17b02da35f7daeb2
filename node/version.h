#pragma once
// The version of the program, for people and for the heads it writes.

namespace bae::node {

constexpr const char* kVersion = "0.1.0";

}  // namespace bae::node
