#include "s3/foreign_text.h"

#include <fmt/format.h>

namespace bae::s3 {

static constexpr size_t kMaxShown = 200;

std::string shown(std::string_view foreign) {
    std::string out;
    for (const char c : foreign) {
        const auto byte = static_cast<unsigned char>(c);
        std::string next(1, c);
        if (c == '\n' || c == '\r' || c == '\t')
            next = " ";
        else if (byte < 0x20 || byte > 0x7e)
            next = fmt::format("\\x{:02x}", byte);
        if (out.size() + next.size() > kMaxShown - 3) return out + "...";
        out += next;
    }
    return out;
}

}  // namespace bae::s3
