#include <mutex>

#include "s3/fault_bucket.h"

namespace bae::s3 {
namespace {

class Counting : public CountingBucket {
  public:
    explicit Counting(Bucket& inner) : inner_(inner) {}

    Result<Bytes> get(std::string_view path, uint64_t max_bytes) override {
        count(&CallCounts::get);
        return received(inner_.get(path, max_bytes));
    }
    Result<Bytes> get_range(std::string_view path, uint64_t offset, uint64_t length) override {
        count(&CallCounts::get);
        return received(inner_.get_range(path, offset, length));
    }
    Result<PutOutcome> put_if_absent(std::string_view path, Body& body) override {
        count(&CallCounts::put);
        count(&CallCounts::bytes_sent, body.size());
        return inner_.put_if_absent(path, body);
    }
    Result<void> put(std::string_view path, Body& body) override {
        count(&CallCounts::put);
        count(&CallCounts::bytes_sent, body.size());
        return inner_.put(path, body);
    }
    Result<ListPage> list(std::string_view prefix, std::string_view after, size_t limit) override {
        count(&CallCounts::list);
        return inner_.list(prefix, after, limit);
    }
    Result<void> remove(std::string_view path) override {
        count(&CallCounts::remove);
        return inner_.remove(path);
    }
    Result<ObjectInfo> stat(std::string_view path) override {
        count(&CallCounts::stat);
        return inner_.stat(path);
    }
    std::optional<int64_t> clock_ms() const override { return inner_.clock_ms(); }
    std::string describe() const override { return inner_.describe(); }
    CallCounts counts() const override {
        const std::lock_guard lock(mutex_);
        return counts_;
    }

  private:
    void count(uint64_t CallCounts::*counter, uint64_t amount = 1) {
        const std::lock_guard lock(mutex_);
        counts_.*counter += amount;
    }
    Result<Bytes> received(Result<Bytes> bytes) {
        if (bytes) count(&CallCounts::bytes_received, bytes->size());
        return bytes;
    }

    Bucket& inner_;
    mutable std::mutex mutex_;
    CallCounts counts_;
};

}  // namespace

std::unique_ptr<CountingBucket> make_counting_bucket(Bucket& inner) { return std::make_unique<Counting>(inner); }

}  // namespace bae::s3
