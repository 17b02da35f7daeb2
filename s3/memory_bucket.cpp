#include "s3/memory_bucket.h"

#include <algorithm>
#include <map>
#include <mutex>

namespace bae::s3 {
namespace {

Result<Bytes> whole(Body& body) {
    Bytes bytes(body.size());
    TRY(body.read(0, bytes));
    return bytes;
}

class MemoryBucket : public Bucket {
  public:
    explicit MemoryBucket(std::function<int64_t()> now_ms) : now_ms_(std::move(now_ms)) {}

    Result<Bytes> get(std::string_view path, uint64_t max_bytes) override {
        const Object object = TRY(find(path));
        if (object.bytes->size() > max_bytes)
            return fail(ErrorKind::corrupt, std::string(path) + " has " + std::to_string(object.bytes->size()) +
                                                " bytes, more than the " + std::to_string(max_bytes) + " it may have");
        return *object.bytes;
    }

    Result<Bytes> get_range(std::string_view path, uint64_t offset, uint64_t length) override {
        const Object object = TRY(find(path));
        const ByteView bytes = *object.bytes;
        if (offset > bytes.size())
            return fail(ErrorKind::invalid_input, std::string(path) + " ends before byte " + std::to_string(offset));
        return to_bytes(bytes.subspan(offset, std::min<uint64_t>(length, bytes.size() - offset)));
    }

    Result<PutOutcome> put_if_absent(std::string_view path, Body& body) override {
        TRY(check_path(path));
        auto bytes = std::make_shared<const Bytes>(TRY(whole(body)));
        const std::lock_guard lock(mutex_);
        if (objects_.contains(path)) return PutOutcome::exists;
        objects_.emplace(path, stamped(std::move(bytes)));
        return PutOutcome::created;
    }

    Result<void> put(std::string_view path, Body& body) override {
        TRY(check_path(path));
        auto bytes = std::make_shared<const Bytes>(TRY(whole(body)));
        const std::lock_guard lock(mutex_);
        objects_.insert_or_assign(std::string(path), stamped(std::move(bytes)));
        return {};
    }

    Result<ListPage> list(std::string_view prefix, std::string_view after, size_t limit) override {
        TRY(check_list(prefix, limit));
        const std::lock_guard lock(mutex_);
        ListPage page;
        auto at = prefix > after ? objects_.lower_bound(prefix) : objects_.upper_bound(after);
        for (; at != objects_.end() && std::string_view(at->first).starts_with(prefix); ++at) {
            if (page.objects.size() == limit) {
                page.truncated = true;
                break;
            }
            page.objects.push_back(info(at->first, at->second));
        }
        return page;
    }

    Result<void> remove(std::string_view path) override {
        TRY(check_path(path));
        const std::lock_guard lock(mutex_);
        if (const auto at = objects_.find(path); at != objects_.end()) objects_.erase(at);
        return {};
    }

    Result<ObjectInfo> stat(std::string_view path) override { return info(path, TRY(find(path))); }

    std::string describe() const override { return "memory"; }

  private:
    struct Object {
        std::shared_ptr<const Bytes> bytes;  // shared, so that readers copy without the lock
        uint64_t version = 0;
        int64_t modified_ms = 0;
    };

    Result<Object> find(std::string_view path) const {
        TRY(check_path(path));
        const std::lock_guard lock(mutex_);
        const auto at = objects_.find(path);
        if (at == objects_.end()) return fail(ErrorKind::not_found, std::string(path) + " is not in the bucket");
        return at->second;
    }

    Object stamped(std::shared_ptr<const Bytes> bytes) {
        return Object{std::move(bytes), ++last_version_, now_ms_ ? now_ms_() : 0};
    }

    static ObjectInfo info(std::string_view path, const Object& object) {
        return {std::string(path), object.bytes->size(), std::to_string(object.version), object.modified_ms};
    }

    const std::function<int64_t()> now_ms_;
    mutable std::mutex mutex_;
    std::map<std::string, Object, std::less<>> objects_;
    uint64_t last_version_ = 0;
};

}  // namespace

std::unique_ptr<Bucket> make_memory_bucket(std::function<int64_t()> now_ms) {
    return std::make_unique<MemoryBucket>(std::move(now_ms));
}

}  // namespace bae::s3
