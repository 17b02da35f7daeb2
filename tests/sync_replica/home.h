#pragma once
// Devices of one person in one process: each has a database file, a mirror in memory, keys and a clock of its own.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <random>

#include "s3/fault_bucket.h"
#include "s3/memory_bucket.h"
#include "sync/replica.h"

namespace bae::sync::testing {

inline constexpr EmbeddedFile kSchema[] = {{"0001_initial", R"sql(
CREATE TABLE albums(id TEXT PRIMARY KEY NOT NULL, title TEXT NOT NULL DEFAULT '', artist TEXT, year INTEGER, _updated_at TEXT NOT NULL);
CREATE TABLE tracks(id TEXT PRIMARY KEY NOT NULL, album TEXT NOT NULL REFERENCES albums(id) ON DELETE CASCADE, title TEXT,
  _updated_at TEXT NOT NULL);
CREATE INDEX tracks_album ON tracks(album);
)sql"}};

class FakeClock : public Clock {
  public:
    explicit FakeClock(int64_t start) : now(start) {}
    int64_t now_ms() override { return now; }
    int64_t now;
};

class SeededRandom : public crypto::Random {
  public:
    explicit SeededRandom(uint64_t seed) : engine_(seed) {}
    void fill(ByteSpan out) override {
        for (std::byte& b : out) b = static_cast<std::byte>(engine_() & 0xff);
    }

  private:
    std::mt19937_64 engine_;
};

// A storage with a clock, as S3 has one: decorates another.
class DatedBucket : public s3::Bucket {
  public:
    DatedBucket(s3::Bucket& inner, FakeClock& clock) : inner_(inner), clock_(clock) {}
    Result<Bytes> get(std::string_view path, uint64_t max) override { return inner_.get(path, max); }
    Result<Bytes> get_range(std::string_view path, uint64_t offset, uint64_t length) override {
        return inner_.get_range(path, offset, length);
    }
    Result<s3::PutOutcome> put_if_absent(std::string_view path, s3::Body& body) override {
        return inner_.put_if_absent(path, body);
    }
    Result<void> put(std::string_view path, s3::Body& body) override { return inner_.put(path, body); }
    Result<s3::ListPage> list(std::string_view prefix, std::string_view after, size_t limit) override {
        return inner_.list(prefix, after, limit);
    }
    Result<void> remove(std::string_view path) override { return inner_.remove(path); }
    Result<s3::ObjectInfo> stat(std::string_view path) override { return inner_.stat(path); }
    std::optional<int64_t> clock_ms() const override { return clock_.now; }
    std::string describe() const override { return inner_.describe(); }

  private:
    s3::Bucket& inner_;
    FakeClock& clock_;
};

// A storage at which something happens, or fails, in the middle of a round: decorates another.
class HookBucket : public DatedBucket {
  public:
    using DatedBucket::DatedBucket;
    Result<Bytes> get(std::string_view path, uint64_t max) override {
        if (fails && fails(path)) return fail(ErrorKind::retry, "does not answer");
        return DatedBucket::get(path, max);
    }
    Result<s3::ListPage> list(std::string_view prefix, std::string_view after, size_t limit) override {
        if (const auto once = std::exchange(before_list, nullptr)) once();
        return DatedBucket::list(prefix, after, limit);
    }
    std::function<void()> before_list;              // once
    std::function<bool(std::string_view)> fails{};  // to get this
};

// What all devices of a test share: the person, the time, and nothing else.
struct Person {
    explicit Person(uint64_t seed)
        : random(seed), identity(crypto::Identity::from_seed(crypto::SecretKey::random(random))) {
        next = crypto::next_commitment(crypto::Identity::from_seed(crypto::SecretKey::random(random)).public_key());
    }
    SeededRandom random;
    crypto::Identity identity;
    crypto::Hash256 next;
};

inline std::filesystem::path scratch_base() {
    const std::filesystem::path memory = "/dev/shm";
    return std::filesystem::is_directory(memory) ? memory : std::filesystem::temp_directory_path();
}

class Home {
  public:
    Home(Person& person, FakeClock& wall, bool keeper = true)
        : person_(person),
          clock(wall.now),
          wall_(wall),
          keeper_(keeper),
          keys_(crypto::DeviceKeys::generate(person.random)),
          mirror_(s3::make_memory_bucket([this] { return clock.now; })) {
        static int count = 0;
        directory_ = scratch_base() / ("bae-replica-" + std::to_string(::getpid()) + "-" + std::to_string(count++));
        std::filesystem::create_directories(directory_);
        open_database();
    }
    ~Home() {
        close();
        std::filesystem::remove_all(directory_);
    }
    Home(const Home&) = delete;

    void found() {
        const auto result = take(Replica::found(options(), person_.next));
        ASSERT_TRUE(result) << result.error().message;
    }
    void restore(const crypto::LibraryId& library, s3::Bucket& carrier) {
        const auto result = take(Replica::restore(options(), library, std::nullopt, carrier, &restored));
        ASSERT_TRUE(result) << result.error().message;
    }
    Result<void> take(Result<std::unique_ptr<Replica>> made) {
        if (!made) return tl::unexpected(made.error());
        replica_ = std::move(*made);
        return {};
    }
    void close() {
        replica_.reset();
        database_.reset();
    }
    void open_database() {
        auto opened = Database::open({directory_ / "library.db", kSchema, keys_.id(), &clock});
        ASSERT_TRUE(opened) << opened.error().message;
        database_ = std::move(*opened);
    }
    Result<void> try_reopen() {
        close();
        open_database();
        return take(Replica::open(options()));
    }
    void reopen() {
        const auto opened = try_reopen();
        ASSERT_TRUE(opened) << opened.error().message;
    }
    // A copy of the whole home: database, mirror, keys.
    std::unique_ptr<Home> clone() {
        close();
        auto copy = std::make_unique<Home>(person_, wall_, keeper_);
        copy->close();
        std::filesystem::remove_all(copy->directory_);
        std::filesystem::copy(directory_, copy->directory_, std::filesystem::copy_options::recursive);
        copy->keys_ = *crypto::DeviceKeys::from_secret(keys_.secret().view());
        for (const auto& info : mirror_->list_all("").value_or(std::vector<s3::ObjectInfo>{}))
            EXPECT_TRUE(copy->mirror_->put(info.path, *mirror_->get(info.path, UINT64_MAX)));
        reopen();
        copy->reopen();
        return copy;
    }

    ReplicaOptions options() {
        ReplicaOptions o{.database = *database_,
                         .mirror = *mirror_,
                         .device = keys_,
                         .identity = keeper_ ? &person_.identity : nullptr,
                         .random = person_.random,
                         .clock = clock,
                         .program_version = "test"};
        if (keeper_) {
            o.on_new_device = [this](const crypto::DeviceKeys& keys) -> Result<void> {
                stored_keys = crypto::DeviceKeys::from_secret(keys.secret().view()).value();
                return dies_with_new_keys ? fail(ErrorKind::internal, "killed") : Result<void>();
            };
        }
        return o;
    }
    void use_stored_keys() { keys_ = crypto::DeviceKeys::from_secret(stored_keys->secret().view()).value(); }

    Replica& operator*() { return *replica_; }
    Replica* operator->() { return replica_.get(); }
    Database& database() { return *database_; }
    s3::Bucket& mirror() { return *mirror_; }
    const crypto::DeviceKeys& keys() const { return keys_; }
    crypto::DeviceId id() { return replica_ ? replica_->certificate().device_id() : keys_.id(); }
    Person& person() { return person_; }

    Result<SyncReport> sync(s3::Bucket& carrier, const SyncOptions& options = {}) {
        return replica_->sync(carrier, "carrier", options);
    }
    SyncReport must_sync(s3::Bucket& carrier, const SyncOptions& options = {}) {
        auto report = sync(carrier, options);
        EXPECT_TRUE(report) << report.error().message;
        return report ? *report : SyncReport{};
    }
    void use(s3::Bucket& carrier) {
        const auto adopted = replica_->adopt(carrier);
        ASSERT_TRUE(adopted) << adopted.error().message;
        must_sync(carrier);
    }
    void write(const std::string& sql) {
        clock.now += 1;
        const auto written = database_->write("test", [&](sqlite::Connection& c) { return c.execute(sql); });
        ASSERT_TRUE(written) << written.error().message;
    }
    void add_album(const std::string& id, const std::string& title) {
        write("INSERT INTO albums(id, title, _updated_at) VALUES ('" + id + "', '" + title + "', stamp())");
    }
    void set_title(const std::string& id, const std::string& title) {
        write("UPDATE albums SET title = '" + title + "', _updated_at = stamp() WHERE id = '" + id + "'");
    }
    // Every row of every synced table.
    std::string dump() {
        std::string all;
        auto reader = database_->read();
        EXPECT_TRUE(reader);
        for (const std::string table : {"albums", "tracks"}) {
            EXPECT_TRUE((*reader)->each("SELECT * FROM " + table + " ORDER BY id", [&](const sqlite::Statement& row) {
                all += table;
                for (int i = 0; i < row.column_count(); i++) all += "|" + (row.is_null(i) ? "NULL" : row.string(i));
                all += "\n";
            }));
        }
        return all;
    }
    std::string digest() { return hex_encode(database_->digest()->view()); }
    ReplicaStatus status() {
        auto status = replica_->status();
        EXPECT_TRUE(status) << status.error().message;
        return status ? *status : ReplicaStatus{};
    }
    std::string holds() {
        std::string text;
        for (const Hold& hold : status().holds) text += hold.subject + " " + std::string(to_string(hold.reason)) + "\n";
        return text;
    }
    bool has_hold(HoldReason reason) {
        for (const Hold& hold : status().holds) {
            if (hold.reason == reason) return true;
        }
        return false;
    }
    bool has_alarm(AlarmReason reason) {
        for (const Alarm& alarm : status().alarms) {
            if (alarm.reason == reason) return true;
        }
        return false;
    }

  private:
    Person& person_;

  public:
    FakeClock clock;
    Replica::RestoreInfo restored;
    std::optional<crypto::DeviceKeys> stored_keys;
    bool dies_with_new_keys = false;  // after storing them

  private:
    FakeClock& wall_;
    bool keeper_;
    crypto::DeviceKeys keys_;
    std::filesystem::path directory_;
    std::unique_ptr<s3::Bucket> mirror_;
    std::unique_ptr<Database> database_;
    std::unique_ptr<Replica> replica_;
};

constexpr int64_t kStart = 1'700'000'000'000;
constexpr int64_t kHour = 3'600'000;

// A founder with a carrier, and further devices restored from it.
struct Devices {
    explicit Devices(int count, uint64_t seed = 1)
        : person(seed), wall(kStart), carrier(s3::make_memory_bucket([this] { return wall.now; })) {
        EXPECT_TRUE(crypto::initialize());
        homes.push_back(std::make_unique<Home>(person, wall));
        homes[0]->found();
        homes[0]->use(*carrier);
        for (int i = 1; i < count; i++) {
            homes.push_back(std::make_unique<Home>(person, wall));
            homes.back()->restore((*homes[0])->library(), *carrier);
            homes.back()->must_sync(*carrier);
        }
        settle();
    }
    Home& operator[](size_t i) { return *homes[i]; }
    void pass(int64_t ms) {
        wall.now += ms;
        for (auto& home : homes) home->clock.now += ms;
    }
    void settle() {
        for (int i = 0; i < 2; i++) {
            for (auto& home : homes) home->must_sync(*carrier);
        }
    }
    std::vector<std::string> paths(std::string_view prefix = "") {
        std::vector<std::string> list;
        for (const auto& info : carrier->list_all(prefix).value_or(std::vector<s3::ObjectInfo>{}))
            list.push_back(info.path);
        return list;
    }
    // Everything on the carrier, with its bytes.
    std::map<std::string, Bytes> contents() {
        std::map<std::string, Bytes> all;
        for (const std::string& path : paths()) all.emplace(path, *carrier->get(path, UINT64_MAX));
        return all;
    }
    void expect_equal() {
        for (auto& home : homes) {
            EXPECT_EQ(home->dump(), homes[0]->dump());
            EXPECT_EQ(home->digest(), homes[0]->digest());
            EXPECT_EQ(hex_encode(home->database().recompute_digest()->view()), homes[0]->digest());
        }
    }

    Person person;
    FakeClock wall;
    std::unique_ptr<s3::Bucket> carrier;
    std::vector<std::unique_ptr<Home>> homes;
};

}  // namespace bae::sync::testing
