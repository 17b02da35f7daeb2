#pragma once
// Text from tags and file names made fit for rows, keys and paths. Pure functions.
#include <optional>
#include <string>
#include <string_view>

namespace bae::node {

constexpr size_t kMaxTextBytes = 1024;  // of one tag value; longer ones are clipped

// Valid UTF-8 without control characters, trimmed; what is not UTF-8 becomes U+FFFD. At most max_bytes, cut between
// characters.
std::string clean_text(std::string_view bytes, size_t max_bytes = kMaxTextBytes);

// What two spellings of a name have in common: NFKC, case folded, blanks squeezed. For keys, never shown.
std::string normalised(std::string_view text);

// A path component for any file system: no separators or characters that Windows refuses, no leading or trailing dots
// and blanks, at most max_bytes; "_" if nothing is left.
std::string safe_file_name(std::string_view text, size_t max_bytes = 120);

// Lower case of ASCII letters; the rest as it is.
std::string ascii_lower(std::string_view text);

std::string_view parent_path(std::string_view path);  // "/" for what has none
std::string_view file_name(std::string_view path);
std::string_view extension(std::string_view path);  // without the dot; "" if none

// "Disc 2", "CD1", "Album (Disk 3)", "Album - cd 2": what stands before ("" if nothing) and which disc.
struct DiscSuffix {
    std::string_view rest;
    int disc = 0;
};
std::optional<DiscSuffix> disc_suffix(std::string_view name);

}  // namespace bae::node
