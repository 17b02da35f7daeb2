#include "node/carrier.h"

#include <fmt/format.h>

#include "node/interrupt.h"
#include "node/output/escape.h"
#include "s3/retry.h"

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

}  // namespace

std::string url_of(const fs::path& directory) {
    std::string out(kFile);
    for (const char c : directory.native()) {
        if (stays_in_url(c))
            out += c;
        else
            out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return out;
}

Result<fs::path> directory_of(std::string_view url) {
    if (url.starts_with("s3://")) {
        return fail(ErrorKind::unsupported,
                    "s3:// comes with the S3 client, which is not in this version; use a directory: file:///path");
    }
    if (!url.starts_with(kFile)) {
        return fail(ErrorKind::invalid_input,
                    fmt::format("\"{}\" is no place for a library; name a directory: file:///path", shown(url)));
    }
    const fs::path path = TRY(percent_decoded(url.substr(kFile.size())));
    if (!path.is_absolute()) {
        return fail(
            ErrorKind::invalid_input,
            fmt::format("\"{}\": the path of a file URL is absolute: file:///path (three slashes)", shown(url)));
    }
    fs::path normal = path.lexically_normal();
    if (!normal.has_filename() && normal.has_relative_path()) normal = normal.parent_path();
    return normal;
}

Result<fs::path> Carrier::place(std::string_view url) {
    const bool is_path = url.find("://") == url.npos && !url.empty();
    std::error_code failed;
    return directory_of(is_path ? url_of(fs::absolute(url, failed)) : std::string(url));
}

Result<Carrier> Carrier::open(std::string_view url, s3::RootPolicy policy, const Config& config) {
    const fs::path root = TRY(place(url));
    Carrier carrier;
    carrier.url_ = url_of(root);
    carrier.storage_ = TRY(s3::open_directory_bucket({.root = root, .policy = policy}));
    carrier.counting_ = s3::make_counting_bucket(*carrier.storage_);
    carrier.retrying_ = s3::make_retrying_bucket(*carrier.counting_, {.attempts = config.bucket_attempts},
                                                 crypto::system_random(), pause_ms);
    return carrier;
}

}  // namespace bae::node
