// The address of a bucket is refused in one line of printable text, or has a canonical form that means the same place.
#include <algorithm>
#include <string_view>

#include "s3/s3_place.h"

using namespace bae;
using namespace bae::s3;

static bool is_printable(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c <= 0x7e; });
}

static void check_host(const S3Place& place) {
    const S3Host host = host_of(place);
    CHECK(host.origin == "https://" + host.host || host.origin == "http://" + host.host);
    CHECK(is_printable(host.origin + host.path));
    CHECK(host.host.find_first_of("/?#@% ") == std::string::npos);
    CHECK(place.endpoint.empty() || is_authority(host.host));
    CHECK(host.path.empty() || host.path == "/" + place.bucket);
}

static void check(std::string_view url) {
    const auto place = parse_s3_url(url);
    if (!place) {
        CHECK(place.error().kind == ErrorKind::invalid_input && is_printable(place.error().message));
        return;
    }
    CHECK(is_bucket_name(place->bucket) && (place->region.empty() || is_region(place->region)));
    const std::string canonical = url_of(*place);
    const auto again = parse_s3_url(canonical);
    CHECK(again && *again == *place && url_of(*again) == canonical);
    check_host(*place);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    check(text);
    // Few inputs come by the beginning of an address, so they are also taken as what follows it.
    check("s3://" + text);
    check("s3://music?endpoint=" + text);
    return 0;
}
