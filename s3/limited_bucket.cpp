#include "s3/limited_bucket.h"

#include <algorithm>

namespace bae::s3 {
namespace {

// What passes at once: a quarter of a second's worth, within these; the upper one is a multiple of the chunks that
// blobs are made of.
constexpr uint64_t kLeastSlice = 4 * 1024, kMostSlice = 256 * 1024;

// Waits until the limit has let bytes pass.
class Gate {
  public:
    Gate(RateLimit* limit, const Sleep& sleep, const std::function<int64_t()>& now_ms)
        : limit_(limit), sleep_(sleep), now_ms_(now_ms) {}

    bool is_open() const { return !limit_ || limit_->bytes_per_s() == 0; }
    uint64_t slice() const {
        return is_open() ? kMostSlice : std::clamp(limit_->bytes_per_s() / 4, kLeastSlice, kMostSlice);
    }

    Result<void> pass(uint64_t bytes) const {
        while (!is_open()) {
            bytes -= limit_->take(bytes, now_ms_());
            if (bytes == 0) break;
            TRY(sleep_(std::max<int64_t>(1, limit_->wait_ms(now_ms_()))));
        }
        return {};
    }

  private:
    RateLimit* const limit_;
    const Sleep& sleep_;
    const std::function<int64_t()>& now_ms_;
};

class LimitedBody : public Body {
  public:
    LimitedBody(Body& inner, Gate gate) : inner_(inner), gate_(gate) {}
    uint64_t size() const override { return inner_.size(); }
    bool content_addressed() const override { return inner_.content_addressed(); }
    Result<void> read(uint64_t offset, ByteSpan out) override {
        while (!out.empty()) {
            const ByteSpan slice = out.first(std::min<uint64_t>(out.size(), gate_.slice()));
            TRY(gate_.pass(slice.size()));
            TRY(inner_.read(offset, slice));
            offset += slice.size();
            out = out.subspan(slice.size());
        }
        return {};
    }

  private:
    Body& inner_;
    const Gate gate_;
};

class LimitedBucket : public Bucket {
  public:
    LimitedBucket(Bucket& inner, RateLimit* upload, RateLimit* download, Sleep sleep, std::function<int64_t()> now_ms)
        : inner_(inner),
          sleep_(std::move(sleep)),
          now_ms_(std::move(now_ms)),
          up_(upload, sleep_, now_ms_),
          down_(download, sleep_, now_ms_) {}

    Result<Bytes> get(std::string_view path, uint64_t max_bytes) override {
        Bytes bytes = TRY(inner_.get(path, max_bytes));
        TRY(down_.pass(bytes.size()));
        return bytes;
    }
    Result<Bytes> get_range(std::string_view path, uint64_t offset, uint64_t length) override {
        if (down_.is_open()) return inner_.get_range(path, offset, length);
        if (length <= down_.slice()) return in_slices(path, offset, length);
        const std::string before = TRY(inner_.stat(path)).version;
        Bytes all = TRY(in_slices(path, offset, length));
        if (TRY(inner_.stat(path)).version == before) return all;
        return fail(ErrorKind::retry, std::string(path) + " changes while it is being read");
    }
    Result<PutOutcome> put_if_absent(std::string_view path, Body& body) override {
        LimitedBody limited(body, up_);
        return inner_.put_if_absent(path, limited);
    }
    Result<void> put(std::string_view path, Body& body) override {
        LimitedBody limited(body, up_);
        return inner_.put(path, limited);
    }
    Result<ListPage> list(std::string_view prefix, std::string_view after, size_t limit) override {
        return inner_.list(prefix, after, limit);
    }
    Result<void> remove(std::string_view path) override { return inner_.remove(path); }
    Result<ObjectInfo> stat(std::string_view path) override { return inner_.stat(path); }
    std::optional<int64_t> clock_ms() const override { return inner_.clock_ms(); }
    std::string describe() const override { return inner_.describe(); }

  private:
    Result<Bytes> in_slices(std::string_view path, uint64_t offset, uint64_t length) {
        Bytes all;
        do {
            const uint64_t wanted = std::min(length - all.size(), down_.slice());
            const Bytes slice = TRY(inner_.get_range(path, offset + all.size(), wanted));
            TRY(down_.pass(slice.size()));
            append(all, slice);
            if (slice.size() < wanted) break;
        } while (all.size() < length);
        return all;
    }

    Bucket& inner_;
    const Sleep sleep_;
    const std::function<int64_t()> now_ms_;
    const Gate up_, down_;
};

}  // namespace

std::unique_ptr<Bucket> make_limited_bucket(Bucket& inner, RateLimit* upload, RateLimit* download, Sleep sleep,
                                            std::function<int64_t()> now_ms) {
    return std::make_unique<LimitedBucket>(inner, upload, download, std::move(sleep), std::move(now_ms));
}

}  // namespace bae::s3
