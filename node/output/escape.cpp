#include "node/output/escape.h"

#include <fmt/format.h>
#include <utf8proc.h>

#include <functional>
#include <optional>

namespace bae::node {
namespace {

struct Character {
    std::optional<char32_t> code;  // absent: a byte that is not UTF-8
    std::string_view bytes;
};

void each_character(std::string_view text, const std::function<bool(const Character&)>& take) {
    while (!text.empty()) {
        utf8proc_int32_t code = -1;
        const auto length = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                             static_cast<utf8proc_ssize_t>(text.size()), &code);
        const size_t size = length > 0 ? static_cast<size_t>(length) : 1;
        Character character{.code = std::nullopt, .bytes = text.substr(0, size)};
        if (length > 0) character.code = static_cast<char32_t>(code);
        if (!take(character)) return;
        text.remove_prefix(size);
    }
}

bool is_between(char32_t code, char32_t first, char32_t last) { return code >= first && code <= last; }

bool is_unsafe(char32_t code) {
    return code < 0x20 || is_between(code, 0x7f, 0x9f) || code == 0x061c || is_between(code, 0x200b, 0x200b) ||
           is_between(code, 0x200e, 0x200f) || is_between(code, 0x2028, 0x202e) || is_between(code, 0x2060, 0x206f) ||
           code == 0xfeff || is_between(code, 0xfff0, 0xfffb) || is_between(code, 0xe0000, 0xe0fff);
}

std::string visible_escape(char32_t code) {
    if (code == '\n') return "\\n";
    if (code == '\t') return "\\t";
    if (code == '\r') return "\\r";
    if (code < 0x80) return fmt::format("\\x{:02x}", static_cast<unsigned>(code));
    return fmt::format("\\u{{{:x}}}", static_cast<uint32_t>(code));
}

std::string json_escape(char32_t code) {
    if (code == '\n') return "\\n";
    if (code == '\t') return "\\t";
    if (code == '\r') return "\\r";
    if (code < 0x10000) return fmt::format("\\u{:04x}", static_cast<uint32_t>(code));
    const auto rest = static_cast<uint32_t>(code) - 0x10000;
    return fmt::format("\\u{:04x}\\u{:04x}", 0xd800 + (rest >> 10), 0xdc00 + (rest & 0x3ff));
}

bool is_plain(std::string_view text) {
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte >= 0x7f || c == '"' || c == '\\') return false;
    }
    return true;
}

size_t width_of(const Character& character) {
    if (!character.code) return 1;
    const int width = utf8proc_charwidth(static_cast<utf8proc_int32_t>(*character.code));
    return width > 0 ? static_cast<size_t>(width) : 0;
}

}  // namespace

std::string shown(std::string_view text) {
    if (is_plain(text)) return std::string(text);
    std::string out;
    each_character(text, [&](const Character& character) {
        if (!character.code)
            out += fmt::format("\\x{:02x}", static_cast<unsigned char>(character.bytes[0]));
        else if (is_unsafe(*character.code))
            out += visible_escape(*character.code);
        else
            out += character.bytes;
        return true;
    });
    return out;
}

std::string json_escaped(std::string_view text) {
    if (is_plain(text)) return std::string(text);
    std::string out;
    each_character(text, [&](const Character& character) {
        if (!character.code)
            out += "\\ufffd";
        else if (*character.code == '"')
            out += "\\\"";
        else if (*character.code == '\\')
            out += "\\\\";
        else if (is_unsafe(*character.code))
            out += json_escape(*character.code);
        else
            out += character.bytes;
        return true;
    });
    return out;
}

size_t display_width(std::string_view text) {
    if (is_plain(text)) return text.size();
    size_t width = 0;
    each_character(text, [&](const Character& character) {
        width += width_of(character);
        return true;
    });
    return width;
}

std::string fitted(std::string_view text, size_t columns) {
    if (text.size() <= columns || display_width(text) <= columns) return std::string(text);
    std::string out;
    size_t width = 0;
    each_character(text, [&](const Character& character) {
        width += width_of(character);
        if (width >= columns) return false;
        out += character.bytes;
        return true;
    });
    return out + "…";
}

}  // namespace bae::node
