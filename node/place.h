#pragma once
// Where a library lies outside of this device: a directory or an S3 bucket, and the URL that says so. file:///path is
// percent-encoded where needed; s3:// is described in s3/s3_place.h.
#include <filesystem>
#include <string>
#include <string_view>
#include <variant>

#include "s3/s3_place.h"

namespace bae::node {

struct Place {
    std::variant<std::filesystem::path, s3::S3Place> at;

    const std::filesystem::path* directory() const { return std::get_if<std::filesystem::path>(&at); }
    const s3::S3Place* s3() const { return std::get_if<s3::S3Place>(&at); }
    std::string url() const;  // canonical, without credentials
    bool operator==(const Place&) const = default;
};

// `url` as given by the person: a plain path is taken as file://. invalid_input says what a URL looks like.
Result<Place> parse_place(std::string_view url);

}  // namespace bae::node
