#pragma once
// Where objects lie on an S3-compatible server, and the one text that says so:
//
//   s3://BUCKET[/PREFIX][?endpoint=URL][&region=REGION][&style=path|virtual]
//
// Without `endpoint` it is AWS. With one the default style is path, without it virtual (path if BUCKET has a dot, which
// certificates do not cover). Values may be percent-encoded. Never credentials: an error does not even quote them.
#include <string>
#include <string_view>

#include "crypto/base/result.h"

namespace bae::s3 {

struct S3Place {
    enum class Style { path, virtual_host };
    std::string bucket;    // 3 to 63 of [a-z0-9.-]
    std::string prefix;    // "" or "music/bae": [A-Za-z0-9._-] segments; stands before every path, with a slash
    std::string endpoint;  // "https://host[:port]", lower case, no slash at the end, no default port; empty: AWS
    std::string region;    // [A-Za-z0-9_-], on AWS [a-z0-9-]; empty: not known yet, asked of the server
    Style style = Style::path;
    bool operator==(const S3Place&) const = default;
};

// invalid_input names the part that is wrong and what would be right; also for credentials in it, and for plain http to
// a host that is not loopback (127.0.0.0/8, ::1, localhost, *.localhost).
Result<S3Place> parse_s3_url(std::string_view url);
std::string url_of(const S3Place& place);  // canonical: parses to the same place; defaults are left out

bool is_bucket_name(std::string_view name);
bool is_region(std::string_view name);     // 1 to 64 of [A-Za-z0-9_-]
bool is_authority(std::string_view text);  // "host" or "host:port", lower case

struct S3Host {
    std::string origin;  // "https://bucket.host[:port]": what to connect to
    std::string host;    // as in the Host header, default ports left out
    std::string path;    // "" or "/bucket": before the key
    bool operator==(const S3Host&) const = default;
};
S3Host host_of(const S3Place& place);  // region empty on AWS: us-east-1

}  // namespace bae::s3
