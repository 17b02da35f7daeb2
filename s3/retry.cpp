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
        auto same = holds(path, body);
        if (!same && same.error().kind == ErrorKind::not_found)
            same.error().kind = ErrorKind::retry;  // removed meanwhile
        return TRY_CONTEXT(std::move(same), "whether it was stored is not known") ? PutOutcome::created
                                                                                  : PutOutcome::exists;
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
        for (int attempt = 1;; attempt++) {
            auto result = call();
            if (result || result.error().kind != ErrorKind::retry) return result;
            if (attempt >= policy_.attempts) {
                if (attempt == 1) return result;
                return tl::unexpected(context(result.error(), "tried " + std::to_string(attempt) + " times"));
            }
            const int64_t delay_ms = pause_after(attempt);
            if (on_retry_) on_retry_(result.error(), attempt, delay_ms);
            TRY(sleep_(delay_ms));
        }
    }

    // Full jitter: anything from nothing to the bound, so that many devices do not come back at the same instant.
    int64_t pause_after(int attempt) {
        int64_t bound = std::min(policy_.first_delay_ms, policy_.max_delay_ms);
        for (int doubled = 1; doubled < attempt && bound < policy_.max_delay_ms; doubled++)
            bound = bound > policy_.max_delay_ms / 2 ? policy_.max_delay_ms : 2 * bound;
        if (bound <= 0) return 0;
        uint64_t draw = 0;
        random_.fill(std::as_writable_bytes(std::span(&draw, 1)));
        return static_cast<int64_t>(draw % (static_cast<uint64_t>(bound) + 1));
    }

    Result<bool> holds(std::string_view path, Body& body) {
        const uint64_t size = body.size();
        if (TRY(stat(path)).size != size) return false;
        Bytes mine;
        for (uint64_t offset = 0; offset < size; offset += mine.size()) {
            mine.resize(std::min(size - offset, kComparedPiece));
            TRY(body.read(offset, mine));
            if (!equal(mine, TRY(get_range(path, offset, mine.size())))) return false;
        }
        return true;
    }

    Bucket& inner_;
    const RetryPolicy policy_;
    crypto::Random& random_;
    const Sleep sleep_;
    const OnRetry on_retry_;
};

}  // namespace

std::unique_ptr<Bucket> make_retrying_bucket(Bucket& inner, RetryPolicy policy, crypto::Random& random, Sleep sleep,
                                             OnRetry on_retry) {
    return std::make_unique<RetryingBucket>(inner, policy, random, std::move(sleep), std::move(on_retry));
}

}  // namespace bae::s3
