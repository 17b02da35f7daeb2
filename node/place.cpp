#include "node/place.h"

#include <fmt/format.h>

#include "node/output/escape.h"

namespace bae::node {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kFile = "file://";

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

Result<std::string> percent_decoded(std::string_view text) {
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
        const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
        if (high < 0 || low < 0 || high + low == 0)
            return fail(ErrorKind::invalid_input, "a '%' in a URL is followed by two hex digits");
        out += static_cast<char>(high * 16 + low);
        i += 2;
    }
    return out;
}

bool stays_in_url(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("/-_.~+,=@").find(c) != std::string_view::npos;
}

std::string url_of_directory(const fs::path& directory) {
    std::string out(kFile);
    for (const char c : directory.native()) {
        if (stays_in_url(c))
            out += c;
        else
            out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return out;
}

fs::path tidy(const fs::path& path) {
    fs::path normal = path.lexically_normal();
    if (!normal.has_filename() && normal.has_relative_path()) normal = normal.parent_path();
    return normal;
}

// Without what stands before the host: a password, perhaps.
std::string without_credentials(std::string_view url) {
    const size_t host = url.find("://") == url.npos ? 0 : url.find("://") + 3;
    const size_t at = url.substr(host, url.find_first_of("/?#", host) - host).rfind('@');
    if (at == url.npos) return std::string(url);
    return fmt::format("{}...{}", url.substr(0, host), url.substr(host + at));
}

Result<fs::path> directory_of(std::string_view url) {
    const fs::path path = TRY(percent_decoded(url.substr(kFile.size())));
    if (path.is_absolute()) return tidy(path);
    return fail(ErrorKind::invalid_input,
                fmt::format("\"{}\": the path of a file URL is absolute: file:///path (three slashes)", shown(url)));
}

}  // namespace

std::string Place::url() const { return s3() ? s3::url_of(*s3()) : url_of_directory(*directory()); }

Result<Place> parse_place(std::string_view url) {
    if (url.starts_with("s3://")) return Place{TRY(s3::parse_s3_url(url))};
    if (url.starts_with(kFile)) return Place{TRY(directory_of(url))};
    std::error_code failed;
    if (!url.empty() && url.find("://") == url.npos) return Place{tidy(fs::absolute(url, failed))};
    return fail(ErrorKind::invalid_input,
                fmt::format("\"{}\" is no place for a library; name a directory, file:///path, or a bucket, "
                            "s3://BUCKET/PREFIX?endpoint=https://HOST",
                            shown(without_credentials(url))));
}

}  // namespace bae::node
