#pragma once
// A directory of this process for databases, in memory where the machine has that.
#include <unistd.h>

#include <filesystem>
#include <string>

namespace bae::property {

inline std::filesystem::path scratch_directory() {
    const std::filesystem::path memory = "/dev/shm";
    const auto base = std::filesystem::is_directory(memory) ? memory : std::filesystem::temp_directory_path();
    return base / ("bae-property-" + std::to_string(::getpid()));
}

}  // namespace bae::property
