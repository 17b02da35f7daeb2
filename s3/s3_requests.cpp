#include "s3/s3_requests.h"

#include <algorithm>
#include <chrono>
#include <list>

namespace bae::s3 {
namespace {

constexpr int64_t kLongestWait_ms = 50;  // `cancelled` is asked so often
constexpr int kRedirects = 3;            // per request
constexpr std::string_view kNothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";  // SHA-256

int64_t machine_ms() {
    using namespace std::chrono;
    return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

// One request on its way through its attempts.
struct Attempts {
    Attempts(std::unique_ptr<S3Request> asked, const RetryPolicy& policy, crypto::Random& random)
        : request(std::move(asked)), backoff(policy, random) {}

    std::unique_ptr<S3Request> request;
    Backoff backoff;
    std::unique_ptr<Transfer> transfer;  // under way
    S3Server::Target target;             // where it went
    int64_t due_ms = 0;                  // when it goes out again
    int redirects = 0;
    bool clock_corrected = false;
    bool repeated = false;
    bool unanswered = false;             // the last attempt
    std::optional<S3Reply> unexplained;  // the refusal of a HEAD, which says nothing; the reason is being asked for
};

CallCounts counts_of(S3Request::Kind kind, const Transfer& transfer) {
    CallCounts out{.bytes_sent = transfer.sent, .bytes_received = transfer.received};
    switch (kind) {
        case S3Request::Kind::get:
            out.get = 1;
            break;
        case S3Request::Kind::put:
            out.put = 1;
            break;
        case S3Request::Kind::list:
            out.list = 1;
            break;
        case S3Request::Kind::remove:
            out.remove = 1;
            break;
        case S3Request::Kind::stat:
            out.stat = 1;
            break;
    }
    return out;
}

std::string_view permission_of(const S3Request& request) {
    switch (request.kind) {
        case S3Request::Kind::get:
        case S3Request::Kind::stat:
            return request.path.empty() ? "" : "s3:GetObject";
        case S3Request::Kind::put:
            return "s3:PutObject";
        case S3Request::Kind::list:
            return "s3:ListBucket";
        case S3Request::Kind::remove:
            return "s3:DeleteObject";
    }
    return "";
}

// The status that should have come with an <Error> in an answer 200: such an operation began and then failed.
int status_of_late_error(const HttpAnswer& answer) {
    const auto error = parse_error(answer.body);
    if (!error) return answer.status;
    if (error->code == "NoSuchUpload") return 404;
    return error->code.starts_with("Invalid") || error->code == "EntityTooSmall" ? 400 : 500;
}

std::string payload_of(const S3Request& request) {
    if (!request.payload.empty()) return request.payload;
    return request.body.empty() ? std::string(kNothing) : hex_encode(crypto::sha256(request.body).view());
}

}  // namespace

// The requests of one call, on one thread, over one transport.
class S3Requests::Run {
  public:
    explicit Run(S3Requests& requests) : requests_(requests), transport_(requests.pool_.take()) {}

    Result<void> all(const Next& next, const Done& done) {
        for (bool more = true;;) {
            if (more && has_room()) more = TRY(add(next));
            if (attempts_.empty()) return {};
            if (requests_.is_cancelled()) return fail(ErrorKind::cancelled, "asked to stop");
            const int64_t due_ms = start_due();
            // Making a request may take long (a part is read and hashed): the others move in between.
            for (Transfer* const ended : transport_->wait(more && has_room() ? 0 : due_ms))
                TRY(judge(find(ended), done));
        }
    }

  private:
    using At = std::list<Attempts>::iterator;

    bool has_room() const { return attempts_.size() < static_cast<size_t>(requests_.server_.width()); }

    Result<bool> add(const Next& next) {
        auto request = TRY(next());
        if (!request) return false;
        request->payload = payload_of(*request);
        attempts_.emplace_back(std::move(request), requests_.options_.retry, requests_.random_);
        return true;
    }

    // Sends what is due. How long until the next one is.
    int64_t start_due() {
        const int64_t now_ms = steady_ms();
        int64_t wait_ms = kLongestWait_ms;
        for (Attempts& one : attempts_) {
            if (one.transfer) continue;
            if (one.due_ms <= now_ms)
                start(one);
            else
                wait_ms = std::min(wait_ms, one.due_ms - now_ms);
        }
        return wait_ms;
    }

    void start(Attempts& one) {
        one.target = requests_.server_.target();
        one.transfer = std::make_unique<Transfer>();
        Transfer& transfer = *one.transfer;
        SignedRequest to_sign = signable(one);
        transfer.method = to_sign.method;
        transfer.url = one.target.host.origin + uri_encoded(to_sign.path, false);
        if (!to_sign.query.empty()) transfer.url += "?" + encoded_query(to_sign.query);
        transfer.headers = signed_headers(to_sign, requests_.options_.credentials, one.target.region, "s3",
                                          requests_.server_.signing_ms(requests_.now_ms()));
        transfer.body = one.request->body;
        transfer.fresh = one.unanswered;
        transfer.max_body = one.request->max_body;
        transfer.place = one.request->place;
        transport_->start(transfer);
    }

    SignedRequest signable(const Attempts& one) const {
        const S3Request& request = *one.request;
        SignedRequest out;
        out.method = request.method;
        out.path = one.target.host.path + "/" + (request.path.empty() ? "" : requests_.key_of(request.path));
        out.query = request.query;
        out.headers = request.headers;
        out.headers.emplace_back("host", one.target.host.host);
        if (request.method == "PUT" || request.method == "POST")
            out.headers.emplace_back("content-type", "application/octet-stream");
        if (one.unexplained) {
            out.method = "GET";
            out.headers.emplace_back("range", "bytes=0-0");
        }
        out.payload = request.payload;
        return out;
    }

    At find(const Transfer* transfer) {
        return std::find_if(attempts_.begin(), attempts_.end(),
                            [&](const Attempts& one) { return one.transfer.get() == transfer; });
    }

    Result<void> judge(At at, const Done& done) {
        const std::unique_ptr<Transfer> transfer = std::move(at->transfer);
        requests_.server_.count(counts_of(at->request->kind, *transfer));
        at->repeated = at->repeated || transfer->repeated;
        at->unanswered = transfer->failure.has_value();
        note_date(transfer->answer);
        if (transfer->failure && at->unexplained && transfer->failure->kind != ErrorKind::retry)
            return finish(at, std::move(*at->unexplained), done);
        if (transfer->failure) return failed(at, *transfer->failure, {});
        HttpAnswer judged = std::move(transfer->answer);
        if (at->request->may_fail_in_200 && judged.status == 200) judged.status = status_of_late_error(judged);
        S3Reply reply{.verdict = verdict_of(judged, transfer->method, requests_.server_.signing_ms(requests_.now_ms()),
                                            permission_of(*at->request))};
        reply.answer = std::move(judged);
        reply.received = transfer->received;
        requests_.server_.saw_answer(reply.verdict.slow_down);
        return act(at, std::move(reply), done);
    }

    void note_date(const HttpAnswer& answer) {
        const auto text = header(answer, "date");
        const auto date_ms = text ? http_date_ms(*text) : std::nullopt;
        if (date_ms) requests_.server_.saw_date(*date_ms, requests_.now_ms());
    }

    Result<void> act(At at, S3Reply reply, const Done& done) {
        switch (reply.verdict.next) {
            case Verdict::Next::retry:
                return failed(at, reply.verdict.error, reply.verdict.retry_after_ms);
            case Verdict::Next::other_region:
                if (at->redirects++ == kRedirects) break;
                TRY_CONTEXT(requests_.server_.redirected(at->target, reply.verdict), name_of(*at));
                at->unexplained.reset();
                return {};
            case Verdict::Next::skewed:
                if (std::exchange(at->clock_corrected, true)) break;
                requests_.server_.correct_clock();
                at->unexplained.reset();
                return {};
            default:
                break;
        }
        if (asks_why(*at, reply)) return {};
        return finish(at, std::move(reply), done);
    }

    // An error of a HEAD has no body, so that a wrong key looks like a missing permission.
    static bool asks_why(Attempts& one, S3Reply& reply) {
        const bool is_refusal =
            reply.verdict.next == Verdict::Next::denied || reply.verdict.next == Verdict::Next::refused;
        if (one.request->method != "HEAD" || !is_refusal || one.unexplained) return false;
        one.unexplained = std::move(reply);
        return true;
    }

    Result<void> finish(At at, S3Reply reply, const Done& done) {
        if (at->unexplained && (reply.is_done() || reply.verdict.next == Verdict::Next::range))
            reply = std::move(*at->unexplained);
        reply.repeated = at->repeated;
        const std::unique_ptr<S3Request> request = std::move(at->request);
        attempts_.erase(at);
        return done(*request, std::move(reply));
    }

    Result<void> failed(At at, const Error& error, std::optional<int64_t> retry_after_ms) {
        if (error.kind != ErrorKind::retry) return tl::unexpected(context(error, name_of(*at)));
        at->repeated = true;
        const int64_t now_ms = steady_ms();
        const auto pause_ms = at->backoff.failed(now_ms, retry_after_ms);
        if (!pause_ms) return tl::unexpected(context(at->backoff.told(error), name_of(*at)));
        if (requests_.options_.on_retry) requests_.options_.on_retry(error, at->backoff.attempts(), *pause_ms);
        at->due_ms = now_ms + *pause_ms;
        return {};
    }

    std::string name_of(const Attempts& one) const {
        return one.request->path.empty() ? "bucket " + requests_.options_.place.bucket : one.request->path;
    }

    S3Requests& requests_;
    std::list<Attempts> attempts_;  // before the transport, which views them until it is given back
    TransportPool::Lease transport_;
};

S3Requests::S3Requests(S3Options options, crypto::Random& random)
    : options_(std::move(options)),
      random_(random),
      server_(options_.place, options_.conditional_put, options_.parallel),
      pool_({.ca_file = options_.ca_file,
             .connect_timeout_ms = options_.connect_timeout_ms,
             .stall_timeout_ms = options_.stall_timeout_ms,
             .upload_limit = options_.upload_limit,
             .download_limit = options_.download_limit}) {}

int64_t S3Requests::now_ms() const { return options_.now_ms ? options_.now_ms() : machine_ms(); }

std::string S3Requests::key_of(std::string_view path) const {
    const std::string& prefix = options_.place.prefix;
    return prefix.empty() ? std::string(path) : prefix + "/" + std::string(path);
}

Result<void> S3Requests::send_all(const Next& next, const Done& done) { return Run(*this).all(next, done); }

Result<S3Reply> S3Requests::send(S3Request request) {
    auto only = std::make_unique<S3Request>(std::move(request));
    std::optional<S3Reply> out;
    TRY(send_all([&]() -> Result<std::unique_ptr<S3Request>> { return std::move(only); },
                 [&](S3Request&, S3Reply reply) -> Result<void> {
                     out = std::move(reply);
                     return {};
                 }));
    return std::move(*out);
}

}  // namespace bae::s3
