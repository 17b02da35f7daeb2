// Stamp::parse: refuses, or the stamp's text is what was parsed.
#include "sync/stamp.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto stamp = bae::sync::Stamp::parse(text);
    if (stamp) CHECK(stamp->text() == text);
    return 0;
}
