#pragma once
// Database from the inside: database.cpp opens, writes and reads, database_merge.cpp merges. Private to sync.
#include <mutex>

#include "sync/capture.h"
#include "sync/database.h"
#include "sync/merger.h"
#include "sync/outbox.h"

namespace bae::sync {

// A connection that writes, with what belongs to it.
struct Writer {
    std::unique_ptr<sqlite::Connection> connection;
    std::unique_ptr<RowStore> rows;
    std::unique_ptr<LostWrites> lost;
};

struct Meta {
    Stamp last;
    DigestSum digest;
};

Result<Meta> load_meta(sqlite::Connection& connection);
Result<void> save_meta(sqlite::Connection& connection, const Meta& meta);

class DatabaseImpl : public Database {
    using Connection = sqlite::Connection;

  public:
    explicit DatabaseImpl(const DatabaseOptions& options) : options_(options), device_(options.device) {}

    Result<void> start();
    Result<Written> write(std::string_view message, const std::function<Result<void>(Connection&)>& fn) override;
    Result<Reader> read() override;
    void give_back(std::unique_ptr<Connection> connection) {
        const std::lock_guard lock(pool_mutex_);
        if (pool_.size() < 4) pool_.push_back(std::move(connection));
    }

    std::vector<std::string> synced_tables() const override {
        std::vector<std::string> out;
        for (const SyncedTable& t : schema_.tables) out.push_back(t.name);
        return out;
    }
    uint32_t schema_version() const override { return static_cast<uint32_t>(options_.migrations.size()); }

    Result<Digest> digest() override {
        auto reader = TRY(read());
        return TRY(load_meta(*reader)).digest.digest();
    }
    Result<Digest> recompute_digest() override;
    Result<std::vector<Conflict>> conflicts() override;
    Result<std::vector<ParkedRow>> parked() override;
    Result<std::vector<Conflict>> deleted_parents() override;
    Result<Written> restore_conflict(const Conflict& conflict) override;

    Subscription subscribe(std::function<void(const CommitEvent&)> callback) override;

    Result<std::vector<OutboxTransaction>> unsealed(Connection& c, size_t max_bytes) override {
        return outbox_unsealed(c, max_bytes);
    }
    Result<void> mark_sealed(Connection& c, int64_t last_position, uint64_t number,
                             const crypto::Hash256& hash) override {
        return c.run(
            "UPDATE sync_outbox SET object_number = ?, object_hash = ? WHERE object_number IS NULL AND position <= ?",
            number, hash.view(), last_position);
    }
    Result<void> mark_sent(Connection& c, uint64_t number) override {
        return c.run("DELETE FROM sync_outbox WHERE object_number <= ?", number);
    }
    Result<uint64_t> outbox_size() override {
        auto reader = TRY(read());
        return static_cast<uint64_t>(TRY(reader->integer("SELECT count(*) FROM sync_outbox")).value_or(0));
    }

    Result<void> replicate(const std::function<Result<void>(Connection&)>& fn) override;
    Result<MergeReport> merge(std::span<const IncomingObject> objects,
                              const std::function<Result<void>(Connection&)>& also) override;
    Result<std::vector<StreamPosition>> positions() override;
    Result<Stamp> last_stamp() override {
        auto reader = TRY(read());
        return TRY(load_meta(*reader)).last;
    }
    Result<void> set_device(Connection& c, const crypto::DeviceId& device) override;
    Result<uint64_t> restamp_unsent(const ReplayObjects& applied) override;

  private:
    struct Unrecorded {  // the recorder stops and stamp() loses its value however a write ends
        DatabaseImpl& home;
        ~Unrecorded() {
            (void)home.recorder_->end();
            home.stamp_text_.clear();
        }
    };

    // Merging runs without foreign keys: SQLite's cascade would delete rows that are alive.
    Result<std::reference_wrapper<Writer>> merging();
    Result<void> check_version(Connection& c) const;
    Result<void> check_device(Connection& c) const;
    Result<void> settle_after_upgrade();
    Result<Written> write_locked(std::string_view message, const std::function<Result<void>(Connection&)>& fn,
                                 CommitEvent& event);
    Result<void> record(Connection& c, std::string_view message, const Captured& captured, Meta& meta);
    Result<void> apply(Writer& w, Merger& merger, const IncomingObject& object, Meta& meta, MergeReport& report);
    Result<void> wipe_state(Connection& c);
    Result<uint64_t> restamp(Writer& w, Meta& meta, SeenVector seen);

    void publish(const CommitEvent& event);

    DatabaseOptions options_;
    crypto::DeviceId device_;
    std::optional<crypto::DeviceId> next_device_;  // from the commit of the running replicate() on
    Schema schema_;
    std::mutex mutex_;  // one write or merge at a time
    Writer local_, merging_;
    std::unique_ptr<sqlite::Recorder> recorder_;
    std::string stamp_text_;
    std::mutex pool_mutex_;  // pool_, subscribers_
    std::vector<std::unique_ptr<Connection>> pool_;
    std::vector<std::weak_ptr<std::function<void(const CommitEvent&)>>> subscribers_;
};

}  // namespace bae::sync
