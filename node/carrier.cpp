#include "node/carrier.h"

#include <fmt/format.h>

#include <algorithm>
#include <climits>

#include "node/blobs/workers.h"
#include "node/interrupt.h"
#include "node/output/escape.h"
#include "s3/limited_bucket.h"
#include "sync/stamp.h"

namespace bae::node {
namespace {

// Says beside what a server refuses how to go on: S3 knows nothing of this program's commands.
class AdvisingBucket : public s3::Bucket {
  public:
    AdvisingBucket(s3::Bucket& inner, std::string url) : inner_(inner), url_(std::move(url)) {}

    Result<Bytes> get(std::string_view path, uint64_t max_bytes) override {
        return advised(inner_.get(path, max_bytes));
    }
    Result<Bytes> get_range(std::string_view path, uint64_t offset, uint64_t length) override {
        return advised(inner_.get_range(path, offset, length));
    }
    Result<s3::PutOutcome> put_if_absent(std::string_view path, s3::Body& body) override {
        return advised(inner_.put_if_absent(path, body));
    }
    Result<void> put(std::string_view path, s3::Body& body) override { return advised(inner_.put(path, body)); }
    Result<s3::ListPage> list(std::string_view prefix, std::string_view after, size_t limit) override {
        return advised(inner_.list(prefix, after, limit));
    }
    Result<void> remove(std::string_view path) override { return advised(inner_.remove(path)); }
    Result<s3::ObjectInfo> stat(std::string_view path) override { return advised(inner_.stat(path)); }
    std::optional<int64_t> clock_ms() const override { return inner_.clock_ms(); }
    std::string describe() const override { return inner_.describe(); }

  private:
    template <class T>
    Result<T> advised(Result<T> result) const {
        if (!result && result.error().kind == ErrorKind::denied) {
            result.error().message += fmt::format(
                " (`bae bucket probe` says what the credentials may do; `bae bucket use \"{}\"` takes new ones)",
                shown(url_));
        }
        return result;
    }
    s3::Bucket& inner_;
    const std::string url_;
};

}  // namespace

Result<Carrier> Carrier::open(const Place& place, CarrierOptions options) {
    Carrier carrier(place);
    if (place.s3())
        TRY(carrier.open_s3(*place.s3(), std::move(options)));
    else
        TRY(carrier.open_directory(*place.directory(), std::move(options)));
    return carrier;
}

Result<void> Carrier::open_directory(const std::filesystem::path& root, CarrierOptions options) {
    directory_ = TRY(s3::open_directory_bucket({.root = root, .policy = options.policy}));
    limited_ = s3::make_limited_bucket(*directory_, options.upload_limit, options.download_limit, pause_ms,
                                       [] { return sync::system_clock().now_ms(); });
    counting_ = s3::make_counting_bucket(*limited_);
    s3::RetryPolicy policy;
    if (options.config.bucket_attempts > 0) policy.attempts = options.config.bucket_attempts;
    outermost_ =
        s3::make_retrying_bucket(*counting_, policy, crypto::system_random(), pause_ms, std::move(options.on_retry));
    return {};
}

Result<void> Carrier::open_s3(const s3::S3Place& place, CarrierOptions options) {
    const int attempts = options.config.bucket_attempts;
    s3::S3Options s3{.place = place,
                     .credentials = std::move(options.credentials),
                     .conditional_put = options.conditional_put,
                     .retry = {.attempts = attempts > 0 ? attempts : INT_MAX,
                               .give_up_after_ms = int64_t{options.config.bucket_give_up_after} * 1000},
                     .ca_file = options.config.bucket_ca_file,
                     .parallel = options.config.bucket_parallel,
                     .upload_limit = options.upload_limit,
                     .download_limit = options.download_limit,
                     .cancelled = interrupted,
                     .on_retry = std::move(options.on_retry),
                     .now_ms = {}};
    s3.stall_timeout_ms = int64_t{options.config.bucket_stall_after} * 1000;
    s3.connect_timeout_ms = std::min(s3.connect_timeout_ms, s3.stall_timeout_ms);
    if (s3.place.region.empty()) s3.place.region = options.region;
    if (options.part_bytes > 0) s3.part_bytes = options.part_bytes;
    s3_ = TRY(s3::open_s3_bucket(std::move(s3), crypto::system_random()));
    outermost_ = std::make_unique<AdvisingBucket>(*s3_, url_);
    return {};
}

CarrierRow Carrier::row() const {
    CarrierRow row{.url = url_, .region = {}};
    if (!s3_) return row;
    row.conditional_put = s3_->conditional_put();
    if (place_.s3()->region.empty()) row.region = s3_->region();
    return row;
}

Result<s3::ProbeReport> Carrier::probe(int race_rounds, uint64_t large_bytes) {
    const s3::ProbeOptions options{.random = crypto::system_random(),
                                   .now_ms = [] { return sync::system_clock().now_ms(); },
                                   .run_parallel =
                                       [](std::vector<std::function<void()>> tasks) {
                                           run_work({.count = tasks.size(),
                                                     .threads = static_cast<int>(tasks.size()),
                                                     .run = [&](size_t i) { tasks[i](); }});
                                       },
                                   .race_rounds = race_rounds,
                                   .large_bytes = large_bytes};
    return s3_ ? s3::probe(*s3_, options) : s3::probe(*outermost_, options);
}

}  // namespace bae::node
