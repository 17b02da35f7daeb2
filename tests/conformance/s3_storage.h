#pragma once
// How tests reach the S3 servers.
#include <string>

#include "s3/s3_bucket.h"
#include "servers/servers.h"

namespace bae::s3::conformance {

std::string random_prefix();

// Many quick attempts, parts of 5 MiB. `endpoint`: the server's own if empty.
S3Options options_for(const servers::Server& server, const std::string& prefix, const std::string& endpoint = {});

}  // namespace bae::s3::conformance
