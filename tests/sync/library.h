#pragma once
// A small library in a directory of its own, for tests of Database.
#include <gtest/gtest.h>
#include <unistd.h>

#include <deque>
#include <filesystem>

#include "sync/database.h"

namespace bae::sync {

inline constexpr EmbeddedFile kShelf[] = {{"0001_shelf", R"sql(
CREATE TABLE shelves(id TEXT PRIMARY KEY NOT NULL, name TEXT NOT NULL DEFAULT '', height INTEGER, _updated_at TEXT NOT NULL);
CREATE TABLE books(id TEXT PRIMARY KEY NOT NULL, shelf TEXT NOT NULL REFERENCES shelves(id) ON DELETE CASCADE, title TEXT,
  _updated_at TEXT NOT NULL);
CREATE INDEX books_shelf ON books(shelf);
CREATE TABLE desk(id INTEGER PRIMARY KEY, what TEXT);
)sql"}};

inline crypto::DeviceId device_id(unsigned last) {
    crypto::DeviceId id;
    id.bytes[7] = static_cast<std::byte>(last);
    return id;
}

class TestClock : public Clock {
  public:
    int64_t now_ms() override { return now; }
    int64_t now = 1'700'000'000'000;
};

class TestDirectory {
  public:
    TestDirectory() {
        std::string name = (std::filesystem::temp_directory_path() / "bae-sync-XXXXXX").string();
        EXPECT_NE(::mkdtemp(name.data()), nullptr);
        path = name;
    }
    ~TestDirectory() { std::filesystem::remove_all(path); }
    TestDirectory(const TestDirectory&) = delete;
    TestDirectory& operator=(const TestDirectory&) = delete;
    std::filesystem::path path;
};

// One device's database. Calls that are no part of what a test is about must succeed.
class Library {
  public:
    explicit Library(unsigned device = 1, std::span<const EmbeddedFile> migrations = kShelf)
        : device_(device_id(device)), migrations_(migrations) {
        reopen();
    }
    void reopen() {
        database_.reset();
        auto opened = Database::open({file(), migrations_, device_, &clock});
        ASSERT_TRUE(opened) << opened.error().message;
        database_ = std::move(*opened);
    }
    void close() { database_.reset(); }
    std::filesystem::path file() const { return directory_.path / "library.db"; }
    Database* operator->() { return database_.get(); }
    Database& operator*() { return *database_; }

    Result<Written> write(const std::string& sql) {
        return database_->write("a test", [&](sqlite::Connection& c) { return c.execute(sql); });
    }
    std::string must_write(const std::string& sql) {
        const auto written = write(sql);
        EXPECT_TRUE(written) << sql << ": " << written.error().message;
        return written ? written->stamp.value_or("") : "";
    }
    // The one value of a query, as text; "" for NULL or no row.
    std::string value(const std::string& sql) {
        auto reader = database_->read();
        EXPECT_TRUE(reader) << reader.error().message;
        const auto text = (*reader)->text(sql);
        EXPECT_TRUE(text) << sql << ": " << text.error().message;
        return text ? text->value_or("") : "";
    }
    std::vector<OutboxTransaction> outbox() {
        std::vector<OutboxTransaction> list;
        const auto read = database_->replicate([&](sqlite::Connection& c) -> Result<void> {
            list = TRY(database_->unsealed(c, 64 << 20));
            return {};
        });
        EXPECT_TRUE(read) << read.error().message;
        return list;
    }
    // Moves the whole outbox into one object of this device's stream.
    IncomingObject seal() {
        sent_.push_back(outbox());
        IncomingObject object{device_, sent_.size(), {}, {}};
        object.hash.bytes[0] = static_cast<std::byte>(sent_.size());
        for (const auto& t : sent_.back()) object.transactions.push_back({t.stamp, t.seen, t.changes, t.message});
        const auto marked = database_->replicate([&](sqlite::Connection& c) -> Result<void> {
            TRY(database_->mark_sealed(c, sent_.back().back().position, object.number, object.hash));
            return database_->mark_sent(c, object.number);
        });
        EXPECT_TRUE(marked) << marked.error().message;
        return object;
    }
    void must_merge(const IncomingObject& object) {
        const auto merged = database_->merge(std::span(&object, 1), {});
        EXPECT_TRUE(merged) << merged.error().message;
    }

    TestClock clock;

  private:
    TestDirectory directory_;
    crypto::DeviceId device_;
    std::span<const EmbeddedFile> migrations_;
    std::unique_ptr<Database> database_;
    std::deque<std::vector<OutboxTransaction>> sent_;  // objects point into it
};

}  // namespace bae::sync
