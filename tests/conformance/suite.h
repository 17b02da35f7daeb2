#pragma once
// The fixture of the suite and the few things all of its files use.
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>
#include <string>

#include "conformance/storage.h"

namespace bae::s3::conformance {

class Conformance : public testing::TestWithParam<StorageKind> {
  protected:
    void SetUp() override {
        if (const std::string missing = GetParam().missing(); !missing.empty()) GTEST_SKIP() << missing;
        storage = GetParam().make();
        bucket = storage->open();
    }

    static int rounds(int many) { return GetParam().slow ? many / 4 : many; }
    void create(std::string_view path, std::string_view text) {
        const auto outcome = bucket->put_if_absent(path, as_bytes(text));
        ASSERT_TRUE(outcome) << outcome.error().message;
        ASSERT_EQ(*outcome, PutOutcome::created) << path;
    }
    void replace(std::string_view path, std::string_view text) {
        const auto outcome = bucket->put(path, as_bytes(text));
        ASSERT_TRUE(outcome) << outcome.error().message;
    }
    std::string text_of(std::string_view path) {
        const auto bytes = bucket->get(path, 1 << 30);
        return bytes ? std::string(as_text(*bytes)) : "error: " + bytes.error().message;
    }
    std::vector<std::string> paths(std::string_view prefix) {
        const auto objects = bucket->list_all(prefix);
        if (!objects) return {"error: " + objects.error().message};
        std::vector<std::string> out;
        for (const ObjectInfo& object : *objects) out.push_back(object.path);
        return out;
    }

    std::unique_ptr<Storage> storage;
    std::unique_ptr<Bucket> bucket;
};

class SharedConformance : public Conformance {};  // storages that several processes can use
class AtomicConformance : public Conformance {};  // storages of which one racing creator is told that it was it
class SharedAtomicConformance : public Conformance {};

template <class T>
ErrorKind kind_of(const Result<T>& result) {
    return result ? ErrorKind::internal : result.error().kind;
}

// From $BAE_SEED, to repeat a run, or new; the test prints it.
inline uint64_t fresh_seed() {
    const char* given = std::getenv("BAE_SEED");
    return given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device()();
}

inline Bytes patterned(size_t size, uint64_t seed) {
    std::mt19937_64 random(seed);
    Bytes bytes(size);
    for (std::byte& b : bytes) b = static_cast<std::byte>(random());
    return bytes;
}

}  // namespace bae::s3::conformance
