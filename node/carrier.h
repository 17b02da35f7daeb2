#pragma once
// A carrier of objects and blobs, opened from its place: a directory or an S3 bucket. Requests are counted; passing
// faults are retried with pauses that an interrupt ends. Safe for several threads.
#include <memory>
#include <string>

#include "node/carrier_row.h"
#include "node/config.h"
#include "node/place.h"
#include "s3/directory_bucket.h"
#include "s3/probe.h"
#include "s3/s3_bucket.h"

namespace bae::node {

struct CarrierOptions {
    const Config& config;
    s3::RootPolicy policy = s3::RootPolicy::must_exist;  // of a directory
    // Of a bucket:
    s3::S3Credentials credentials;
    s3::ConditionalPut conditional_put = s3::ConditionalPut::unknown;
    std::string region;                     // where the place names none
    uint64_t part_bytes = 0;                // 0: as S3Options says
    s3::RateLimit* upload_limit = nullptr;  // outlive the carrier
    s3::RateLimit* download_limit = nullptr;
    s3::OnRetry on_retry;  // called from any thread
};

class Carrier {
  public:
    static Result<Carrier> open(const Place& place, CarrierOptions options);

    const Place& place() const { return place_; }
    const std::string& url() const { return url_; }  // of the place
    s3::Bucket& bucket() { return *outermost_; }
    s3::S3Bucket* s3() { return s3_.get(); }  // null: a directory. Its errors do not say how to change credentials
    // Of several that create one object at once, each may be told that it did.
    bool creates_race() const {
        return s3_ && (s3_->conditional_put() == s3::ConditionalPut::refused ||
                       s3_->conditional_put() == s3::ConditionalPut::ignored);
    }
    s3::CallCounts counts() const { return s3_ ? s3_->counts() : counting_->counts(); }
    CarrierRow row() const;  // with what was learnt of the server so far

    // What the place really does; writes objects there, and removes them. `large_bytes` as in ProbeOptions.
    Result<s3::ProbeReport> probe(int race_rounds, uint64_t large_bytes);

  private:
    explicit Carrier(const Place& place) : place_(place), url_(place.url()) {}
    Result<void> open_directory(const std::filesystem::path& root, CarrierOptions options);
    Result<void> open_s3(const s3::S3Place& place, CarrierOptions options);
    Place place_;
    std::string url_;
    std::unique_ptr<s3::S3Bucket> s3_;
    std::unique_ptr<s3::Bucket> directory_;
    std::unique_ptr<s3::Bucket> limited_;
    std::unique_ptr<s3::CountingBucket> counting_;
    std::unique_ptr<s3::Bucket> outermost_;
};

}  // namespace bae::node
