#include "node/import/names.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstdlib>

namespace bae::node {
namespace {

bool is_plain_ascii(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

std::string_view trimmed(std::string_view text) {
    const size_t first = text.find_first_not_of(' ');
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

const utf8proc_uint8_t* octets(std::string_view text) { return reinterpret_cast<const utf8proc_uint8_t*>(text.data()); }

bool is_control(utf8proc_int32_t c) { return c < 0x20 || (c >= 0x7f && c < 0xa0); }

std::string replace_invalid(std::string_view bytes) {
    std::string out;
    while (!bytes.empty()) {
        utf8proc_int32_t c = 0;
        const auto used = utf8proc_iterate(octets(bytes), static_cast<utf8proc_ssize_t>(bytes.size()), &c);
        if (used <= 0) {
            out += "\xef\xbf\xbd";
            bytes.remove_prefix(1);
        } else {
            if (is_control(c))
                out += ' ';
            else
                out += bytes.substr(0, static_cast<size_t>(used));
            bytes.remove_prefix(static_cast<size_t>(used));
        }
    }
    return out;
}

std::string_view clipped(std::string_view text, size_t max_bytes) {
    if (text.size() <= max_bytes) return text;
    size_t end = max_bytes;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
    return text.substr(0, end);
}

std::string squeezed(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (const char c : text) {
        if (c == ' ' && (out.empty() || out.back() == ' ')) continue;
        out += c;
    }
    if (!out.empty() && out.back() == ' ') out.pop_back();
    return out;
}

std::string folded(const std::string& valid) {
    utf8proc_uint8_t* mapped = nullptr;
    constexpr auto kOptions = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT |
                                                             UTF8PROC_CASEFOLD | UTF8PROC_IGNORE);
    const auto size = utf8proc_map(octets(valid), static_cast<utf8proc_ssize_t>(valid.size()), &mapped, kOptions);
    if (size < 0) return valid;
    std::string out(reinterpret_cast<const char*>(mapped), static_cast<size_t>(size));
    std::free(mapped);
    return out;
}

bool is_reserved(std::string_view name) {
    static constexpr std::array kNames{"con", "prn", "aux", "nul"};
    const std::string stem = ascii_lower(name.substr(0, name.find('.')));
    if (std::find(kNames.begin(), kNames.end(), stem) != kNames.end()) return true;
    return stem.size() == 4 && (stem.starts_with("com") || stem.starts_with("lpt")) && stem[3] >= '0' && stem[3] <= '9';
}

}  // namespace

std::string clean_text(std::string_view bytes, size_t max_bytes) {
    // clipped before it is decoded, so that an absurd value costs no more than a long one
    const std::string_view part = bytes.substr(0, std::min(bytes.size(), 4 * max_bytes));
    if (is_plain_ascii(part)) return std::string(trimmed(clipped(trimmed(part), max_bytes)));
    const std::string valid = replace_invalid(part);
    return std::string(trimmed(clipped(trimmed(valid), max_bytes)));
}

std::string normalised(std::string_view text) {
    if (is_plain_ascii(text)) return squeezed(ascii_lower(text));
    std::string folded_text = folded(replace_invalid(text));
    for (char& c : folded_text) {
        if (static_cast<unsigned char>(c) < 0x20) c = ' ';
    }
    return squeezed(folded_text);
}

std::string safe_file_name(std::string_view text, size_t max_bytes) {
    std::string out = clean_text(text, max_bytes);
    for (char& c : out) {
        if (std::string_view("/\\<>:\"|?*").find(c) != std::string_view::npos) c = '_';
    }
    const size_t first = out.find_first_not_of(". ");
    if (first == std::string::npos) return "_";
    out = out.substr(first, out.find_last_not_of(". ") - first + 1);
    return is_reserved(out) ? "_" + out : out;
}

std::string ascii_lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return out;
}

std::string_view parent_path(std::string_view path) {
    const size_t slash = path.rfind('/');
    return slash == std::string_view::npos || slash == 0 ? "/" : path.substr(0, slash);
}

std::string_view file_name(std::string_view path) {
    const size_t slash = path.rfind('/');
    return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::string_view extension(std::string_view path) {
    const std::string_view name = file_name(path);
    const size_t dot = name.rfind('.');
    return dot == std::string_view::npos || dot == 0 ? std::string_view() : name.substr(dot + 1);
}

std::optional<DiscSuffix> disc_suffix(std::string_view name) {
    std::string_view text = name;
    while (!text.empty() && std::string_view(" )]}").find(text.back()) != std::string_view::npos) text.remove_suffix(1);
    size_t digits = 0;
    while (digits < text.size() && text[text.size() - 1 - digits] >= '0' && text[text.size() - 1 - digits] <= '9')
        ++digits;
    if (digits == 0 || digits > 2) return std::nullopt;
    const int disc = std::atoi(std::string(text.substr(text.size() - digits)).c_str());
    text.remove_suffix(digits);
    while (!text.empty() && std::string_view(" .#_-").find(text.back()) != std::string_view::npos)
        text.remove_suffix(1);
    const std::string lower = ascii_lower(text);
    for (const std::string_view word : {"disc", "disk", "cd"}) {
        if (!lower.ends_with(word)) continue;
        std::string_view rest = text.substr(0, text.size() - word.size());
        // "ABCD1" is a name, "AB CD1" a disc
        if (!rest.empty() && std::string_view(" ([{-_,.:").find(rest.back()) == std::string_view::npos)
            return std::nullopt;
        while (!rest.empty() && std::string_view(" ([{-_,.:").find(rest.back()) != std::string_view::npos)
            rest.remove_suffix(1);
        if (disc == 0) return std::nullopt;
        return DiscSuffix{rest, disc};
    }
    return std::nullopt;
}

}  // namespace bae::node
