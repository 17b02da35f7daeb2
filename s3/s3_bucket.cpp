#include "s3/s3_bucket.h"

#include <algorithm>

#include "s3/create_bucket.h"
#include "s3/multipart.h"
#include "s3/s3_list.h"
#include "s3/s3_object.h"

namespace bae::s3 {
namespace {

constexpr uint64_t kMostPartBytes = uint64_t{1} << 30;
constexpr int kMostParallel = 64;
constexpr int64_t kMostTimeout_ms = 3'600'000;

// The bytes of a body that goes out in one request.
struct WholeBody {
    std::unique_ptr<std::byte[]> bytes;
    size_t size = 0;
    ByteView view() const { return {bytes.get(), size}; }
};

Result<WholeBody> read_whole(Body& body) {
    WholeBody out{std::make_unique_for_overwrite<std::byte[]>(body.size()), body.size()};
    TRY(body.read(0, {out.bytes.get(), out.size}));
    return out;
}

class Client : public S3Bucket {
  public:
    Client(S3Options options, crypto::Random& random) : requests_(std::move(options), random) {}

    Result<Bytes> get(std::string_view path, uint64_t max_bytes) override {
        TRY(check_path(path));
        return get_object(requests_, path, max_bytes);
    }
    Result<Bytes> get_range(std::string_view path, uint64_t offset, uint64_t length) override {
        TRY(check_path(path));
        return get_object_range(requests_, path, offset, length);
    }
    Result<ObjectInfo> stat(std::string_view path) override {
        TRY(check_path(path));
        return stat_object(requests_, path);
    }
    Result<ListPage> list(std::string_view prefix, std::string_view after, size_t limit) override {
        TRY(check_list(prefix, limit));
        return list_objects(requests_, prefix, after, limit);
    }

    Result<PutOutcome> put_if_absent(std::string_view path, Body& body) override {
        TRY(check_path(path));
        if (is_in_parts(body)) {
            if (TRY(is_there(path))) return PutOutcome::exists;
            TRY(upload_in_parts(requests_, path, body));
            return PutOutcome::created;
        }
        const WholeBody whole = TRY(read_whole(body));
        const ConditionalPut how = conditional_put();
        if (how == ConditionalPut::unknown || how == ConditionalPut::honoured) {
            auto outcome = put_conditionally(path, whole.view());
            if (outcome || outcome.error().kind != ErrorKind::unsupported) return outcome;
        }
        if (TRY(is_there(path))) return PutOutcome::exists;
        TRY(put_whole(path, whole.view()));
        return PutOutcome::created;
    }

    Result<void> put(std::string_view path, Body& body) override {
        TRY(check_path(path));
        if (is_in_parts(body)) return upload_in_parts(requests_, path, body);
        return put_whole(path, TRY(read_whole(body)).view());
    }

    Result<PutOutcome> put_conditionally(std::string_view path, ByteView bytes) override {
        TRY(check_path(path));
        S3Request request = upload(path, bytes);
        request.headers.emplace_back("if-none-match", "*");
        const S3Reply reply = TRY(requests_.send(std::move(request)));
        switch (reply.verdict.next) {
            case Verdict::Next::done:
                return PutOutcome::created;
            case Verdict::Next::exists: {
                if (conditional_put() == ConditionalPut::unknown)
                    requests_.server().set_conditional_put(ConditionalPut::honoured);
                MemoryBody body(bytes);
                return reply.repeated ? whose_object(*this, path, body) : PutOutcome::exists;
            }
            case Verdict::Next::unsupported:
                // What was found out by a probe is not given up for one answer, which may be a proxy's.
                if (conditional_put() == ConditionalPut::unknown)
                    requests_.server().set_conditional_put(ConditionalPut::refused);
                return fail(ErrorKind::unsupported, reply.verdict.error.message);
            default:
                return refusal(requests_, reply, path);
        }
    }

    Result<void> remove(std::string_view path) override {
        TRY(check_path(path));
        const S3Reply reply =
            TRY(requests_.send({.kind = S3Request::Kind::remove, .method = "DELETE", .path = std::string(path)}));
        if (reply.is_done() || reply.verdict.next == Verdict::Next::not_found) return {};
        return refusal(requests_, reply, path);
    }

    Result<Versioning> versioning() override {
        const S3Reply reply = TRY(requests_.send({.query = {{"versioning", ""}}}));
        if (!reply.is_done()) return refusal(requests_, reply, "");
        return parse_versioning(reply.answer.body);
    }

    Result<void> create_bucket() override { return s3::create_bucket(requests_); }

    std::optional<int64_t> clock_ms() const override { return requests_.server().clock_ms(); }
    std::optional<int64_t> clock_offset_ms() const override { return requests_.server().offset_ms(); }
    CallCounts counts() const override { return requests_.server().counts(); }
    ConditionalPut conditional_put() const override { return requests_.server().conditional_put(); }
    std::string region() const override { return requests_.server().region(); }
    std::string describe() const override { return url_of(requests_.options().place); }

  private:
    bool is_in_parts(const Body& body) const {
        return body.content_addressed() && body.size() > requests_.options().part_bytes;
    }

    static S3Request upload(std::string_view path, ByteView bytes) {
        return {.kind = S3Request::Kind::put, .method = "PUT", .path = std::string(path), .body = bytes};
    }

    Result<void> put_whole(std::string_view path, ByteView bytes) {
        const S3Reply reply = TRY(requests_.send(upload(path, bytes)));
        if (!reply.is_done()) return refusal(requests_, reply, path);
        return {};
    }

    Result<bool> is_there(std::string_view path) {
        const auto info = stat_object(requests_, path);
        if (info || info.error().kind == ErrorKind::not_found) return info.has_value();
        return tl::unexpected(info.error());
    }

    S3Requests requests_;
};

Result<void> check_options(const S3Options& options) {
    TRY(parse_s3_url(url_of(options.place)));  // a place made by hand keeps the rules as well: no plain http
    if (options.part_bytes < kLeastPartBytes || options.part_bytes > kMostPartBytes)
        return fail(ErrorKind::invalid_input,
                    "parts of an upload have 5 MiB to 1 GiB, not " + std::to_string(options.part_bytes) + " bytes");
    if (options.parallel < 1 || options.parallel > kMostParallel)
        return fail(ErrorKind::invalid_input, "1 to 64 requests at a time, not " + std::to_string(options.parallel));
    for (const int64_t timeout_ms : {options.connect_timeout_ms, options.stall_timeout_ms})
        if (timeout_ms < 1 || timeout_ms > kMostTimeout_ms)
            return fail(ErrorKind::invalid_input, "a timeout is 1 ms to an hour");
    if (options.credentials.access_key.empty() || options.credentials.secret_key.empty())
        return fail(ErrorKind::invalid_input, "an S3 bucket needs an access key and a secret key");
    return {};
}

}  // namespace

Result<std::unique_ptr<S3Bucket>> open_s3_bucket(S3Options options, crypto::Random& random) {
    TRY(check_options(options));
    return std::make_unique<Client>(std::move(options), random);
}

}  // namespace bae::s3
