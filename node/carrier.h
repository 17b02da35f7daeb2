#pragma once
// A carrier of objects and blobs, opened from its URL: file:///path (percent-encoded where needed). Calls are counted,
// passing faults are retried with pauses that an interrupt ends. Safe for several threads.
#include <filesystem>
#include <memory>
#include <string>

#include "node/config.h"
#include "s3/bucket.h"
#include "s3/directory_bucket.h"
#include "s3/fault_bucket.h"

namespace bae::node {

// invalid_input says what a URL looks like; unsupported for s3://, which this version cannot reach.
Result<std::filesystem::path> directory_of(std::string_view url);
std::string url_of(const std::filesystem::path& directory);  // absolute

class Carrier {
  public:
    // `url` as given by the person: a plain path is taken as file://.
    static Result<std::filesystem::path> place(std::string_view url);  // errors as directory_of
    static Result<Carrier> open(std::string_view url, s3::RootPolicy policy, const Config& config);

    const std::string& url() const { return url_; }  // canonical, without credentials
    s3::Bucket& bucket() { return *retrying_; }
    s3::CallCounts counts() const { return counting_->counts(); }

  private:
    Carrier() = default;
    std::string url_;
    std::unique_ptr<s3::Bucket> storage_;
    std::unique_ptr<s3::CountingBucket> counting_;
    std::unique_ptr<s3::Bucket> retrying_;
};

}  // namespace bae::node
