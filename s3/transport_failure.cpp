#include "s3/transport_failure.h"

#include <curl/curl.h>

#include <algorithm>
#include <array>

#include "s3/foreign_text.h"

namespace bae::s3 {
namespace {

Error certificate_error(long verified, const std::string& host) {
    const auto denied = [&](std::string_view what) {
        return Error{ErrorKind::denied, "the certificate of " + host + std::string(what)};
    };
    switch (verified) {  // X509_V_ERR_... of OpenSSL
        case 0:
        case 1:  // the name is compared before libcurl stores what OpenSSL says of the rest
            return denied(" is for another name: use the name it was made for in the bucket's endpoint");
        case 9:
            return denied(" is not valid yet: is this machine's clock right?");
        case 10:
            return denied(" has expired: renew it at the server (and is this machine's clock right?)");
        case 18:
        case 19:
        case 20:
        case 21:
            return denied(
                " is by an authority this machine does not know: if it is yours, name its PEM file in the setting "
                "bucket.ca_file");
        default:
            return denied(" is not accepted (OpenSSL's reason " + std::to_string(verified) + ")");
    }
}

// Whether the server answered the handshake, and will not answer otherwise tomorrow: by the words of OpenSSL, as
// libcurl has one code for this and for a connection that breaks off.
bool speaks_other_tls(std::string_view words) {
    constexpr std::array<std::string_view, 11> kFinal{
        "wrong version number",    "packet length too long", "http request",
        "unsupported protocol",    "protocol version",       "no protocols available",
        "alert handshake failure", "insufficient security",  "no shared cipher",
        "unrecognized name",       "no application protocol"};
    return std::any_of(kFinal.begin(), kFinal.end(), [&](auto text) { return words.find(text) != words.npos; });
}

Error no_tls(const std::string& host, const std::string& why, bool is_final) {
    const std::string message = "no TLS 1.2 or newer with " + host;
    if (!is_final) return {ErrorKind::retry, message + why};
    return {ErrorKind::denied,
            message + ": does the server speak TLS there? (http:// is allowed for loopback only)" + why};
}

}  // namespace

Error failure_of(const FailedTransfer& failed) {
    const std::string& host = failed.host;
    const std::string why = " (" + shown(failed.words) + ")";  // may hold bytes of the server
    switch (failed.code) {
        case CURLE_COULDNT_RESOLVE_HOST:
        case CURLE_COULDNT_RESOLVE_PROXY:
            return {ErrorKind::retry,
                    host + " cannot be found: is the network up, and is the endpoint spelled right?" + why};
        case CURLE_COULDNT_CONNECT:
        case CURLE_OPERATION_TIMEDOUT:
            return {ErrorKind::retry,
                    "no connection to " + host + ": is the server running, and reachable from here?" + why};
        case CURLE_PEER_FAILED_VERIFICATION:
            return certificate_error(failed.verified, host);
        case CURLE_SSL_CACERT_BADFILE:
            return {ErrorKind::denied, "the file of certificates in the setting bucket.ca_file cannot be read: \"" +
                                           failed.ca_file + "\""};
        case CURLE_SSL_CONNECT_ERROR:
            return no_tls(host, why, speaks_other_tls(failed.words));
        case CURLE_UNSUPPORTED_PROTOCOL:
        case CURLE_WEIRD_SERVER_REPLY:
            return {ErrorKind::corrupt, host + " does not answer in HTTP: is this the endpoint of an S3 server?" + why};
        default:
            return {ErrorKind::retry, "the connection to " + host + " broke off" + why};
    }
}

}  // namespace bae::s3
