#include "conformance/storage.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <random>

#include "s3/directory_bucket.h"
#include "s3/fault_bucket.h"
#include "s3/memory_bucket.h"
#include "s3/retry.h"
#include "s3/scratch_directory.h"

namespace bae::s3::conformance {
namespace {

// A client that shares the one bucket of a storage.
class Borrowed : public Bucket {
  public:
    explicit Borrowed(Bucket& inner) : inner_(inner) {}
    Result<Bytes> get(std::string_view path, uint64_t max) override { return inner_.get(path, max); }
    Result<Bytes> get_range(std::string_view path, uint64_t offset, uint64_t length) override {
        return inner_.get_range(path, offset, length);
    }
    Result<PutOutcome> put_if_absent(std::string_view path, Body& body) override {
        return inner_.put_if_absent(path, body);
    }
    Result<void> put(std::string_view path, Body& body) override { return inner_.put(path, body); }
    Result<ListPage> list(std::string_view prefix, std::string_view after, size_t limit) override {
        return inner_.list(prefix, after, limit);
    }
    Result<void> remove(std::string_view path) override { return inner_.remove(path); }
    Result<ObjectInfo> stat(std::string_view path) override { return inner_.stat(path); }
    std::string describe() const override { return inner_.describe(); }

  private:
    Bucket& inner_;
};

class MemoryStorage : public Storage {
  public:
    std::unique_ptr<Bucket> open() override { return std::make_unique<Borrowed>(*bucket_); }

  private:
    std::unique_ptr<Bucket> bucket_ = make_memory_bucket();
};

class DirectoryStorage : public Storage {
  public:
    std::unique_ptr<Bucket> open() override {
        auto opened = open_directory_bucket({scratch_.path() / "bucket", RootPolicy::create, Durability::synced});
        CHECK(opened.has_value());
        return std::move(*opened);
    }

  private:
    ScratchDirectory scratch_;
};

class SeededRandom : public crypto::Random {
  public:
    void fill(ByteSpan out) override {
        for (std::byte& b : out) b = static_cast<std::byte>(engine_());
    }

  private:
    std::mt19937_64 engine_{1};
};

// The contract must hold over a directory that is often refused, cut off and whose answers get lost.
class Troubled : public Bucket {
  public:
    Troubled(std::unique_ptr<Bucket> inner, uint64_t seed)
        : inner_(std::move(inner)),
          faulty_(make_fault_bucket(*inner_, seed, {.refuse = 0.1, .lose_answer = 0.1, .cut = 0.05})),
          retrying_(make_retrying_bucket(*faulty_, {.attempts = 30, .first_delay_ms = 0, .max_delay_ms = 0}, random_,
                                         [](int64_t) { return Result<void>(); })) {}
    Result<Bytes> get(std::string_view path, uint64_t max) override { return retrying_->get(path, max); }
    Result<Bytes> get_range(std::string_view path, uint64_t offset, uint64_t length) override {
        return retrying_->get_range(path, offset, length);
    }
    Result<PutOutcome> put_if_absent(std::string_view path, Body& body) override {
        return retrying_->put_if_absent(path, body);
    }
    Result<void> put(std::string_view path, Body& body) override { return retrying_->put(path, body); }
    Result<ListPage> list(std::string_view prefix, std::string_view after, size_t limit) override {
        return retrying_->list(prefix, after, limit);
    }
    Result<void> remove(std::string_view path) override { return retrying_->remove(path); }
    Result<ObjectInfo> stat(std::string_view path) override { return retrying_->stat(path); }
    std::string describe() const override { return retrying_->describe(); }

  private:
    std::unique_ptr<Bucket> inner_;
    SeededRandom random_;
    std::unique_ptr<FaultBucket> faulty_;
    std::unique_ptr<Bucket> retrying_;
};

class TroubledStorage : public Storage {
  public:
    std::unique_ptr<Bucket> open() override { return std::make_unique<Troubled>(directory_.open(), next_seed_++); }

  private:
    DirectoryStorage directory_;
    std::atomic<uint64_t> next_seed_{1};
};

template <class Kind>
std::unique_ptr<Storage> make() {
    return std::make_unique<Kind>();
}

}  // namespace

std::vector<StorageKind> every_kind() {
    std::vector<StorageKind> kinds = {
        {.name = "memory", .make = make<MemoryStorage>},
        {.name = "directory", .shared = true, .make = make<DirectoryStorage>},
        {.name = "retry_over_faults", .shared = true, .repeats = true, .make = make<TroubledStorage>},
    };
    for (StorageKind& kind : s3_kinds()) kinds.push_back(std::move(kind));
    return kinds;
}

static std::vector<StorageKind> kinds_that(bool (*suit)(const StorageKind&)) {
    std::vector<StorageKind> kinds = every_kind();
    std::erase_if(kinds, [&](const StorageKind& kind) { return !suit(kind); });
    return kinds;
}

std::vector<StorageKind> shared_kinds() {
    return kinds_that([](const StorageKind& kind) { return kind.shared; });
}
std::vector<StorageKind> atomic_kinds() {
    return kinds_that([](const StorageKind& kind) { return kind.atomic; });
}
std::vector<StorageKind> shared_atomic_kinds() {
    return kinds_that([](const StorageKind& kind) { return kind.shared && kind.atomic; });
}

}  // namespace bae::s3::conformance
