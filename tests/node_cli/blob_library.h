#pragma once
// A library with music to send, made as `init` makes one, and storages that are in the way of single files.
#include <gtest/gtest.h>

#include <condition_variable>
#include <fstream>
#include <map>
#include <mutex>
#include <set>

#include "node/blobs/ledger.h"
#include "node/blobs/sealed_file.h"
#include "node/blobs/send.h"
#include "node/carrier_row.h"
#include "node/cli/commands.h"
#include "node_cli/temporary_directory.h"
#include "s3/memory_bucket.h"

namespace bae::node::test {

namespace fs = std::filesystem;

inline std::optional<std::string> no_environment(const char*) { return std::nullopt; }

class BlobLibrary {
  public:
    explicit BlobLibrary(std::string carrier_url = "memory") : carrier_url_(std::move(carrier_url)) {
        EXPECT_TRUE(crypto::initialize());
        testing::internal::CaptureStdout();
        EXPECT_TRUE(run(session_, InitCommand{.name = "study"}));
        testing::internal::GetCapturedStdout();
        use(carrier_url_);
        write("INSERT INTO albums (id, title, is_compilation, _updated_at) VALUES ('album', 'Album', 0, stamp())");
    }
    // As `bucket use` does.
    void use(const std::string& carrier_url) {
        const auto used = database().replicate(
            [&](sync::sqlite::Connection& c) { return use_carrier(c, CarrierRow{.url = carrier_url, .region = {}}); });
        ASSERT_TRUE(used) << used.error().message;
    }

    sync::Database& database() { return *session_.database().value(); }
    sync::Replica& replica() { return *session_.replica().value(); }
    HomePaths paths() const { return session_.paths().value(); }
    BlobRound round(s3::Bucket& bucket, int workers = 1) {
        return {.database = database(),
                .replica = replica(),
                .bucket = &bucket,
                .carrier_url = carrier_url_,
                .home = paths(),
                .device = session_.record()->device,
                .workers = workers,
                .out = out_};
    }
    BlobReport send(s3::Bucket& bucket, int workers = 1) {
        const auto report = sync_blobs(round(bucket, workers));
        EXPECT_TRUE(report) << report.error().message;
        return report.value_or(BlobReport());
    }

    void write(const std::string& sql) {
        const auto done = database().write("test", [&](sync::sqlite::Connection& c) { return c.run(sql); });
        ASSERT_TRUE(done) << done.error().message;
    }
    void add_release(const std::string& release) {
        write("INSERT INTO releases (id, album_id, key_epoch, _updated_at) VALUES ('" + release + "', 'album', '" +
              replica().current_key().text() + "', stamp())");
    }
    // Bytes that no other file of this size and number has.
    static Bytes content(size_t size, int number) {
        Bytes bytes(size);
        auto state = static_cast<uint32_t>(number);
        for (std::byte& byte : bytes) byte = static_cast<std::byte>((state = state * 1664525 + 1013904223) >> 24);
        return bytes;
    }
    // A file of this device, as an import leaves it.
    fs::path add_file(const std::string& id, const std::string& release, size_t size, bool hashed = true) {
        const Bytes bytes = content(size, static_cast<int>(++added_));
        const fs::path path = directory_.path() / id;
        std::ofstream(path, std::ios::binary) << as_text(bytes);
        const crypto::Hash256 hash = crypto::sha256(bytes);
        const auto done = database().write("test", [&](sync::sqlite::Connection& c) -> Result<void> {
            TRY(
                c.run("INSERT INTO release_files (id, release_id, name, file_hash, size, _updated_at) VALUES (?, ?, ?, "
                      "?, ?, stamp())",
                      id, release, id + ".flac", hash.view(), size));
            if (hashed)
                TRY(c.run("INSERT INTO file_chunks (file_hash, chunk_hashes) VALUES (?, ?)", hash.view(),
                          TRY(hash_chunks(path, hash))));
            return c.run(
                "INSERT INTO local_files (path, file_id, file_hash, size, mtime_ns, inode, state, group_key, "
                "tag_marks) "
                "VALUES (?, ?, ?, ?, 0, 0, 'present', x'', x'')",
                as_bytes(path.native()), id, hash.view(), size);
        });
        EXPECT_TRUE(done) << done.error().message;
        return path;
    }
    std::string value(const std::string& sql) {
        const auto reader = database().read().value();
        return reader->text(sql).value().value_or("");
    }
    uint64_t queued() { return BlobLedger::queued(*database().read().value()).value(); }

  private:
    TemporaryDirectory directory_;
    std::string carrier_url_;
    Output out_{Output::Format::json, true};
    Session session_{out_, Config{.home = directory_.path() / "home"}, no_environment};
    size_t added_ = 0;
};

// Hands every call on; what a test makes of writes and reads of blobs is told by their size.
class BlobGate : public s3::Bucket {
  public:
    explicit BlobGate(s3::Bucket& inner) : inner_(inner) {}

    // Called before a blob of this many bytes, sealed, is written or read; an error is the call's.
    std::function<Result<void>(uint64_t size)> before = [](uint64_t) { return Result<void>(); };
    void refuse(uint64_t plain_size, ErrorKind kind) {
        before = [plain_size, kind](uint64_t size) {
            return size == crypto::blob_sealed_size(plain_size) ? fail(kind, "no such luck") : Result<void>();
        };
    }
    std::vector<uint64_t> written() const {
        const std::lock_guard lock(mutex_);
        return written_;
    }

    Result<Bytes> get(std::string_view path, uint64_t max_bytes) override { return inner_.get(path, max_bytes); }
    Result<Bytes> get_range(std::string_view path, uint64_t offset, uint64_t length) override {
        TRY(before(TRY(inner_.stat(path)).size));
        return inner_.get_range(path, offset, length);
    }
    Result<s3::PutOutcome> put_if_absent(std::string_view path, s3::Body& body) override {
        TRY(note(body.size()));
        return inner_.put_if_absent(path, body);
    }
    Result<void> put(std::string_view path, s3::Body& body) override {
        TRY(note(body.size()));
        return inner_.put(path, body);
    }
    Result<s3::ListPage> list(std::string_view prefix, std::string_view after, size_t limit) override {
        return inner_.list(prefix, after, limit);
    }
    Result<void> remove(std::string_view path) override { return inner_.remove(path); }
    Result<s3::ObjectInfo> stat(std::string_view path) override { return inner_.stat(path); }
    std::string describe() const override { return inner_.describe(); }

  private:
    Result<void> note(uint64_t size) {
        {
            const std::lock_guard lock(mutex_);
            written_.push_back(size);
        }
        return before(size);
    }
    s3::Bucket& inner_;
    mutable std::mutex mutex_;
    std::vector<uint64_t> written_;
};

// Lets one thread wait until others got that far; gives up after a minute, so that a test fails instead of hanging.
class Milestone {
  public:
    void reach() {
        const std::lock_guard lock(mutex_);
        ++count_;
        reached_.notify_all();
    }
    bool wait_for(size_t count) {
        std::unique_lock lock(mutex_);
        return reached_.wait_for(lock, std::chrono::minutes(1), [&] { return count_ >= count; });
    }

  private:
    std::mutex mutex_;
    std::condition_variable reached_;
    size_t count_ = 0;
};

}  // namespace bae::node::test
