#pragma once
// REST requests to one bucket: each is signed, sent, judged (s3_answer.h) and, until it has succeeded or failed for
// good, sent again: after a pause where the failure may pass, at once where the server has told its region or its
// clock. Private to s3; safe for several threads, which share what was learnt and the idle connections.
#include <functional>
#include <memory>

#include "s3/s3_server.h"
#include "s3/transport.h"

namespace bae::s3 {

constexpr uint64_t kMaxSmallAnswer = 1 << 20;

struct S3Request {
    enum class Kind { get, put, list, remove, stat };  // what it counts as
    Kind kind = Kind::get;
    std::string method = "GET";
    std::string path;     // of the object; empty: the bucket itself
    Query query;          // beyond that
    Headers headers;      // beyond host, x-amz-date, x-amz-content-sha256, x-amz-security-token, authorization
    ByteView body;        // must stay until the reply is there
    std::string payload;  // SHA-256 of the body in hex; empty: is computed
    uint64_t max_body = kMaxSmallAnswer;                     // of an answer 2xx (Transfer::max_body)
    std::function<Result<ByteSpan>(const Transfer&)> place;  // Transfer::place, in each attempt
    bool may_fail_in_200 = false;  // an answer 200 may carry an <Error>, which is then the answer
    size_t number = 0;             // for the caller
};

struct S3Reply {
    HttpAnswer answer;
    Verdict verdict;        // done, not_found, no_bucket, exists, unsupported, range, denied or refused
    uint64_t received = 0;  // bytes of the body
    bool repeated = false;  // an earlier attempt may have been applied, its answer lost
    bool is_done() const { return verdict.next == Verdict::Next::done; }
};

class S3Requests {
  public:
    S3Requests(S3Options options, crypto::Random& random);

    // Errors: no answer, or none that is final, within the policy (retry); what ended a transfer (corrupt, denied:
    // TLS); cancelled. They name the path. Any final answer is a reply, also an error.
    Result<S3Reply> send(S3Request request);

    // Keeps several under way, at most options().parallel and what the server can take. `next` makes the next request
    // (null: there is none), `done` takes a reply; the first error of either, or of a request, ends the rest and is
    // returned. Both are called on this thread.
    using Next = std::function<Result<std::unique_ptr<S3Request>>()>;
    using Done = std::function<Result<void>(S3Request& request, S3Reply reply)>;
    Result<void> send_all(const Next& next, const Done& done);

    const S3Options& options() const { return options_; }
    S3Server& server() { return server_; }
    const S3Server& server() const { return server_; }
    std::string key_of(std::string_view path) const;  // with the place's prefix
    int64_t now_ms() const;                           // the wall clock
    bool is_cancelled() const { return options_.cancelled && options_.cancelled(); }

  private:
    class Run;

    const S3Options options_;
    crypto::Random& random_;
    S3Server server_;
    TransportPool pool_;
};

}  // namespace bae::s3
