#pragma once
// Public vectors live outside the project: $BAE_TEST_VECTORS, else ../shared/vectors beside it. Where neither is there
// a test is skipped; where there is a ../shared at all, a missing file is a failure.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "crypto/base/bytes.h"

namespace bae {

inline std::filesystem::path public_vectors() {
    const char* given = std::getenv("BAE_TEST_VECTORS");
    return given != nullptr ? std::filesystem::path(given)
                            : std::filesystem::path(BAE_SOURCE_DIR) / "../shared/vectors";
}

inline std::optional<nlohmann::json> public_vector(const char* name) {
    const bool beside = std::filesystem::exists(std::filesystem::path(BAE_SOURCE_DIR) / "../shared");
    if (!beside && !std::filesystem::exists(public_vectors())) return std::nullopt;
    return nlohmann::json::parse(std::ifstream(public_vectors() / name));  // throws, and so fails, if it is missing
}

inline Bytes hex_field(const nlohmann::json& object, const char* name) {
    return hex_decode(object.at(name).get<std::string>()).value();
}

// tests/vectors/NAME: lines "name = value".
inline std::map<std::string, std::string> frozen_vectors(const char* name) {
    std::map<std::string, std::string> out;
    std::ifstream file(std::filesystem::path(BAE_SOURCE_DIR) / "tests/vectors" / name);
    for (std::string line; std::getline(file, line);)
        if (const size_t at = line.find(" = "); at != std::string::npos) out[line.substr(0, at)] = line.substr(at + 3);
    return out;
}

}  // namespace bae

// NOLINTNEXTLINE(cppcoreguidelines-macro-usage): a skip has to return from the test itself
#define PUBLIC_VECTOR_OR_SKIP(variable, name)                                                 \
    const auto variable##_file = ::bae::public_vector(name);                                  \
    if (!variable##_file) GTEST_SKIP() << "no public vectors at " << ::bae::public_vectors(); \
    const nlohmann::json& variable = *variable##_file
