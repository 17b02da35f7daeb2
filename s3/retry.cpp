#include "s3/retry.h"

#include <algorithm>

namespace bae::s3 {
namespace {

constexpr uint64_t kComparedPiece = 1024 * 1024;

class RetryingBucket : public Bucket {
  public:
    RetryingBucket(Bucket& inner, RetryPolicy policy, crypto::Random& random, Sleep sleep, OnRetry on_retry)
        : inner_(inner), policy_(policy), random_(random), sleep_(std::move(sleep)), on_retry_(std::move(on_retry)) {}

    Result<Bytes> get(std::string_view path, uint64_t max_bytes) override {
        return repeat([&] { return inner_.get(path, max_bytes); });
    }
    Result<Bytes> get_range(std::string_view path, uint64_t offset, uint64_t length) override {
        return repeat([&] { return inner_.get_range(path, offset, length); });
    }
    Result<PutOutcome> put_if_absent(std::string_view path, Body& body) override {
        int attempts = 0;
        const PutOutcome outcome = TRY(repeat([&] {
            attempts++;
            return inner_.put_if_absent(path, body);
        }));
        if (outcome == PutOutcome::created || attempts == 1) return outcome;
        return whose_object(*this, path, body);
    }
    Result<void> put(std::string_view path, Body& body) override {
        return repeat([&] { return inner_.put(path, body); });
    }
    Result<ListPage> list(std::string_view prefix, std::string_view after, size_t limit) override {
        return repeat([&] { return inner_.list(prefix, after, limit); });
    }
    Result<void> remove(std::string_view path) override {
        return repeat([&] { return inner_.remove(path); });
    }
    Result<ObjectInfo> stat(std::string_view path) override {
        return repeat([&] { return inner_.stat(path); });
    }
    std::optional<int64_t> clock_ms() const override { return inner_.clock_ms(); }
    std::string describe() const override { return inner_.describe(); }

  private:
    template <class Call>
    auto repeat(Call call) -> decltype(call()) {
        Backoff backoff(policy_, random_);
        for (int64_t slept_ms = 0;;) {
            auto result = call();
            if (result || result.error().kind != ErrorKind::retry) return result;
            const auto delay_ms = backoff.failed(slept_ms);
            if (!delay_ms) return tl::unexpected(backoff.told(result.error()));
            if (on_retry_) on_retry_(result.error(), backoff.attempts(), *delay_ms);
            TRY(sleep_(*delay_ms));
            slept_ms = *delay_ms > INT64_MAX - slept_ms ? INT64_MAX : slept_ms + *delay_ms;
        }
    }

    Bucket& inner_;
    const RetryPolicy policy_;
    crypto::Random& random_;
    const Sleep sleep_;
    const OnRetry on_retry_;
};

Result<bool> holds(Bucket& bucket, std::string_view path, Body& body) {
    const uint64_t size = body.size();
    if (TRY(bucket.stat(path)).size != size) return false;
    Bytes mine;
    for (uint64_t offset = 0; offset < size; offset += mine.size()) {
        mine.resize(std::min(size - offset, kComparedPiece));
        TRY(body.read(offset, mine));
        if (!equal(mine, TRY(bucket.get_range(path, offset, mine.size())))) return false;
    }
    return true;
}

}  // namespace

std::optional<int64_t> Backoff::failed(int64_t now_ms, std::optional<int64_t> retry_after_ms) {
    // Not from its start: on a slow link one attempt alone may take longer than the limit.
    if (attempts_++ == 0) first_failed_ms_ = now_ms;
    if (attempts_ >= policy_.attempts) return std::nullopt;
    const int64_t pause_ms = std::max(jittered(), retry_after_ms.value_or(0));
    const int64_t spent_ms = std::max<int64_t>(0, now_ms - first_failed_ms_);
    if (spent_ms >= policy_.give_up_after_ms || pause_ms > policy_.give_up_after_ms - spent_ms) return std::nullopt;
    return pause_ms;
}

Error Backoff::told(const Error& error) const {
    if (attempts_ <= 1) return error;
    return context(error, "tried " + std::to_string(attempts_) + " times");
}

// Full jitter: anything from nothing to the bound, so that many devices do not come back at the same instant.
int64_t Backoff::jittered() {
    int64_t bound = std::min(policy_.first_delay_ms, policy_.max_delay_ms);
    for (int doubled = 1; doubled < attempts_ && bound < policy_.max_delay_ms; doubled++)
        bound = bound > policy_.max_delay_ms / 2 ? policy_.max_delay_ms : 2 * bound;
    if (bound <= 0) return 0;
    uint64_t draw = 0;
    random_.fill(std::as_writable_bytes(std::span(&draw, 1)));
    return static_cast<int64_t>(draw % (static_cast<uint64_t>(bound) + 1));
}

Result<PutOutcome> whose_object(Bucket& bucket, std::string_view path, Body& body) {
    auto same = holds(bucket, path, body);
    if (!same && same.error().kind == ErrorKind::not_found) same.error().kind = ErrorKind::retry;  // removed meanwhile
    return TRY_CONTEXT(std::move(same), "whether it was stored is not known") ? PutOutcome::created
                                                                              : PutOutcome::exists;
}

std::unique_ptr<Bucket> make_retrying_bucket(Bucket& inner, RetryPolicy policy, crypto::Random& random, Sleep sleep,
                                             OnRetry on_retry) {
    return std::make_unique<RetryingBucket>(inner, policy, random, std::move(sleep), std::move(on_retry));
}

}  // namespace bae::s3
