#pragma once
// One HTTP request and what comes back for it, piece by piece: the rules for foreign bytes that need no network.
// Private to s3. It is filled by transport.h and must stay where it is until that hands it back.
#include <functional>
#include <optional>
#include <string>

#include "s3/s3_answer.h"

namespace bae::s3 {

constexpr size_t kMaxHeaderBytes = 64 * 1024;     // of an answer and everything before it (100 Continue)
constexpr size_t kMaxErrorBodyBytes = 64 * 1024;  // the rest of an error is dropped

struct Transfer {
    // What is asked. Headers are sent as they are; those with empty values are not sent.
    std::string method;  // GET, HEAD, PUT, POST, DELETE
    std::string url;
    Headers headers;
    ByteView body;          // of a PUT or POST
    bool fresh = false;     // over a new connection: those that are kept may all be dead, and silent
    uint64_t max_body = 0;  // of an answer 2xx without a place: more is corrupt, refused unread where the head tells
    // Asked once when the head of an answer 2xx is there: where its body goes. At most so many bytes are expected;
    // an error ends the transfer and is its failure. Empty: into answer.body.
    std::function<Result<ByteSpan>(const Transfer&)> place;

    // What came back. Without a failure it is a whole answer (an error's body may be cut at kMaxErrorBodyBytes).
    HttpAnswer answer;
    std::optional<uint64_t> length;   // as the head announces it
    std::optional<Error> failure;     // no answer, or not all of it
    uint64_t sent = 0, received = 0;  // bytes of bodies
    bool repeated = false;            // the request went out twice: the first time on a connection that then was dead

    // Called as the answer arrives. false: the transfer ends here, with `failure` or, without one, because nothing more
    // is wanted.
    bool take_head_line(std::string_view line);
    bool take_body(ByteView bytes);
    void take_end();  // the answer is complete

  private:
    bool begin_body();
    bool fails(ErrorKind kind, std::string message);
    bool is_good() const { return answer.status >= 200 && answer.status < 300; }

    size_t head_bytes_ = 0;
    bool has_head_ = false;
    std::optional<ByteSpan> into_;
};

}  // namespace bae::s3
