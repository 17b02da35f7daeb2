#pragma once
// What a transfer without an answer means for the caller, and for people. Private to the transport.
#include <string>

#include "crypto/base/result.h"

namespace bae::s3 {

struct FailedTransfer {
    int code = 0;           // CURLE_...
    long verified = 0;      // what OpenSSL says of the certificate: X509_V_...
    std::string host;       // as shown to people
    std::string words{};    // of libcurl or OpenSSL
    std::string ca_file{};  // as in the options
};
// retry where it may pass by itself; denied where a person has to act; corrupt: no HTTP.
Error failure_of(const FailedTransfer& failed);

}  // namespace bae::s3
