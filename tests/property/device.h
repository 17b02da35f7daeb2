#pragma once
// One device of a history: a real Database, and beside it the oracle fed with what the device was given. What a write
// did is read from images of the tables before and after it, not from what the product captured.
#include <filesystem>
#include <functional>
#include <memory>

#include "property/model.h"
#include "sync/database.h"

namespace bae::property {

class FakeClock : public sync::Clock {
  public:
    int64_t now_ms() override { return now; }
    int64_t now = 1'700'000'000'000;
};

using TransactionPtr = std::shared_ptr<const Transaction>;

struct Object {  // as it lies in a stream
    crypto::DeviceId stream;
    uint64_t number = 0;
    crypto::Hash256 hash;
    std::vector<sync::OutboxTransaction> transactions;
    std::vector<TransactionPtr> meaning;  // the same transactions as the oracle knows them
};
using ObjectPtr = std::shared_ptr<const Object>;

class Device {
  public:
    static Result<std::unique_ptr<Device>> open(const std::filesystem::path& path, crypto::DeviceId id,
                                                uint32_t version);
    // A copy of the files and of what is known about them, still with this device's id.
    Result<std::unique_ptr<Device>> copy_to(const std::filesystem::path& path) const;
    Result<void> reopen(crypto::DeviceId id, uint32_t version);

    // Runs `work` in Database::write and gives the oracle the difference it made. Null: it changed nothing.
    using Work = std::function<Result<void>(sync::sqlite::Connection&)>;
    Result<TransactionPtr> write(const Work& work);
    // Moves up to about max_bytes of the outbox into a new object of the own stream.
    Result<ObjectPtr> seal(size_t max_bytes);
    Result<void> merge(const std::vector<ObjectPtr>& objects);

    // The first thing in which the database differs from the oracle. `thorough` also recomputes the digest.
    Result<void> check(bool thorough);
    Result<void> check_conflicts();

    crypto::DeviceId id() const { return id_; }
    uint32_t version() const { return version_; }
    sync::Database& database() { return *database_; }
    FakeClock& clock() { return clock_; }
    const std::vector<TransactionPtr>& applied() const { return applied_; }  // in the order it was given them
    size_t unsealed() const { return unsealed_.size(); }
    uint64_t sealed() const { return sealed_; }
    uint64_t cursor(crypto::DeviceId stream) const;
    Model& model() { return model_; }

  private:
    Device() = default;
    void give(const TransactionPtr& transaction);
    Result<void> check_rows();
    Result<void> check_digest(bool recompute);
    Result<void> check_parked();
    Result<void> check_bookkeeping();

    std::filesystem::path path_;
    crypto::DeviceId id_;
    uint32_t version_ = 1;
    FakeClock clock_;
    std::unique_ptr<sync::Database> database_;
    Model model_{schema_of_histories()};
    std::vector<TransactionPtr> applied_, unsealed_;
    std::map<std::string, std::string> known_;  // device -> greatest stamp seen
    std::map<crypto::DeviceId, uint64_t> cursors_;
    uint64_t sealed_ = 0;

    static const Schema& schema_of_histories();
};

// The visible rows of the schema's tables, as a connection sees them.
Result<Rows> image(sync::sqlite::Connection& connection, const Schema& schema, uint32_t version);
Value value_in(const sync::sqlite::Statement& row, int column);
std::string readable(const Value& value);
std::string readable(const RowKey& key);
std::string readable(const Transaction& transaction);
// "" if equal, else the first row that differs.
std::string first_difference(const Rows& ours, const Rows& expected);

}  // namespace bae::property
