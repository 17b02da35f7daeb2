#include "s3/endpoint.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include "s3/foreign_text.h"

namespace bae::s3 {
namespace {

constexpr std::string_view kTls = "https://";
constexpr std::string_view kPlain = "http://";
constexpr size_t kMaxName = 253;
constexpr size_t kMaxLabel = 63;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_label_byte(char c) { return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-' || c == '_'; }

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return out;
}

bool is_label(std::string_view label) {
    return !label.empty() && label.size() <= kMaxLabel && label.front() != '-' && label.back() != '-' &&
           std::all_of(label.begin(), label.end(), is_label_byte);
}

bool is_name(std::string_view host) {
    if (host.size() > kMaxName) return false;
    for (size_t dot = 0; dot != std::string_view::npos;) {
        dot = host.find('.');
        if (!is_label(host.substr(0, dot))) return false;
        if (dot != std::string_view::npos) host.remove_prefix(dot + 1);
    }
    return true;
}

// "127.1", "0x7f000001" and the like are addresses to libraries and names to the eye.
bool looks_like_address(std::string_view host) {
    const std::string_view last = host.substr(host.rfind('.') + 1);
    return std::all_of(last.begin(), last.end(), is_digit) || last.starts_with("0x");
}

std::optional<std::string> address(int family, std::string_view text) {
    std::array<unsigned char, sizeof(in6_addr)> bytes{};
    std::array<char, INET6_ADDRSTRLEN> out{};
    if (inet_pton(family, std::string(text).c_str(), bytes.data()) != 1) return std::nullopt;
    if (inet_ntop(family, bytes.data(), out.data(), out.size()) == nullptr) return std::nullopt;
    return out.data();
}

std::optional<Authority> host_alone(std::string_view host) {
    if (host.starts_with('[') && host.ends_with(']')) {
        const auto literal = address(AF_INET6, host.substr(1, host.size() - 2));
        if (!literal) return std::nullopt;
        return Authority{"[" + *literal + "]", 0, false};
    }
    if (!is_name(host)) return std::nullopt;
    if (!looks_like_address(host)) return Authority{std::string(host), 0, true};
    const auto literal = address(AF_INET, host);
    if (!literal) return std::nullopt;
    return Authority{*literal, 0, false};
}

std::optional<int> port_number(std::string_view text) {
    if (text.empty() || text.size() > 5 || text[0] == '0' || !std::all_of(text.begin(), text.end(), is_digit))
        return std::nullopt;
    const int port = std::stoi(std::string(text));
    if (port > 65535) return std::nullopt;
    return port;
}

std::string written(std::string_view scheme, const Authority& authority) {
    const int default_port = scheme == kTls ? 443 : 80;
    std::string out = std::string(scheme) + authority.host;
    if (authority.port != 0 && authority.port != default_port) out += ":" + std::to_string(authority.port);
    return out;
}

tl::unexpected<Error> refuse(std::string why) { return fail(ErrorKind::invalid_input, "endpoint: " + std::move(why)); }

}  // namespace

std::optional<Authority> parse_authority(std::string_view text) {
    const size_t colon = text.rfind(':');
    if (colon == std::string_view::npos || text.ends_with(']')) return host_alone(text);
    auto out = host_alone(text.substr(0, colon));
    const auto port = port_number(text.substr(colon + 1));
    if (!out || !port) return std::nullopt;
    out->port = *port;
    return out;
}

bool is_loopback(const Authority& authority) {
    if (!authority.is_name) return authority.host == "[::1]" || authority.host.starts_with("127.");
    return authority.host == "localhost" || authority.host.ends_with(".localhost");
}

Result<std::string> canonical_endpoint(std::string_view text) {
    if (text.find('@') != std::string_view::npos)
        return refuse("no name or password belongs into it; credentials are asked for apart");
    std::string_view rest = text;
    const std::string_view scheme = lower(text.substr(0, kTls.size())) == kTls ? kTls : kPlain;
    if (lower(text.substr(0, scheme.size())) != scheme)
        return refuse("\"" + shown(text) + "\" has to begin with https:// (https://host or https://host:port)");
    rest.remove_prefix(scheme.size());
    if (rest.ends_with('/')) rest.remove_suffix(1);
    if (rest.find_first_of("/?#") != std::string_view::npos)
        return refuse("\"" + shown(text) + "\" is more than https://host:port; bucket and prefix stand after s3://");
    const auto authority = parse_authority(lower(rest));
    if (!authority)
        return refuse("\"" + shown(rest) +
                      "\" is no host and port (host, host:9000, 192.0.2.1:9000, [2001:db8::1]:9000)");
    if (scheme == kPlain && !is_loopback(*authority))
        return refuse("plain http would show everybody on the way what is read and written at " + authority->host +
                      "; use https:// (http is for this machine itself: localhost, 127.0.0.1, [::1])");
    return written(scheme, *authority);
}

Authority authority_of(std::string_view canonical_endpoint) {
    const auto authority = parse_authority(canonical_endpoint.substr(canonical_endpoint.find("://") + 3));
    CHECK(authority.has_value());
    return *authority;
}

}  // namespace bae::s3
