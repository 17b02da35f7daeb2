// What Database::write captures, held against SQLite's own session extension watching the same statements on a plain
// connection: the same rows inserted, updated and deleted, with the same values.
#define SQLITE_ENABLE_SESSION 1
#define SQLITE_ENABLE_PREUPDATE_HOOK 1
#include <fmt/core.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include "property/device.h"
#include "property/rng.h"
#include "property/schema.h"
#include "property/scratch.h"
#include "property/seeds.h"
#include "property/work.h"
#include "sync/changes.h"

namespace bae::property {

namespace {

using sync::sqlite::Connection;

// --- the product's record
// ---------------------------------------------------------------------------------------------

class Reading : public sync::ChangeVisitor {
  public:
    Result<void> table(const sync::TableHeader& header) override {
        name_ = header.name;
        columns_.assign(header.columns.begin(), header.columns.end());
        return {};
    }
    Result<void> insert(std::string_view id, std::span<const sync::ValueView> values) override {
        Change& change = add(id, Kind::insert);
        for (const Column& column : std::ranges::find(schema(), name_, &Table::name)->columns)
            change.values[column.name] = column.fallback;
        for (size_t i = 0; i < values.size(); i++)
            if (values[i].type != sync::ValueView::Type::unset) change.values[columns_[i]] = text(values[i]);
        return {};
    }
    Result<void> update(std::string_view id, std::span<const sync::ColumnChange> columns) override {
        Change& change = add(id, Kind::update);
        for (const auto& c : columns) change.values[columns_[c.column]] = text(c.value);
        return {};
    }
    Result<void> remove(std::string_view id) override { return add(id, Kind::remove), Result<void>(); }

    std::map<RowKey, Change> changes;

  private:
    Change& add(std::string_view id, Kind kind) {
        Change& change = changes[{name_, std::string(id)}];
        change.kind = kind;
        return change;
    }
    static Value text(const sync::ValueView& value) { return Value(as_text(sync::packed(value))); }
    std::string name_;
    std::vector<std::string> columns_;
};

// --- the session's record
// ---------------------------------------------------------------------------------------------

Value packed(sqlite3_value* value) {
    Bytes out;
    Packer packer(out);
    const auto view = [&] {
        const auto* data = static_cast<const char*>(sqlite3_value_blob(value));
        return std::string_view(data, static_cast<size_t>(sqlite3_value_bytes(value)));
    };
    switch (sqlite3_value_type(value)) {
        case SQLITE_INTEGER:
            packer.sint(sqlite3_value_int64(value));
            break;
        case SQLITE_FLOAT:
            packer.real(sqlite3_value_double(value));
            break;
        case SQLITE_TEXT:
            packer.text(view());
            break;
        case SQLITE_BLOB:
            packer.bin(as_bytes(view()));
            break;
        default:
            packer.nil();
    }
    return Value(as_text(out));
}

class Watched {  // a plain connection with the same schema
  public:
    explicit Watched(const std::filesystem::path& path)
        : db_(std::move(*Connection::open(path, sync::sqlite::OpenMode::create))) {
        for (const EmbeddedFile& migration : kMigrations) EXPECT_TRUE(db_->execute(std::string(migration.text)));
        EXPECT_TRUE(db_->execute("PRAGMA foreign_keys = ON; PRAGMA journal_mode = WAL"));
        sqlite3_create_function(db_->raw(), "stamp", 0, SQLITE_UTF8, &stamp_, &Watched::stamp, nullptr, nullptr);
        EXPECT_TRUE(
            db_->each("SELECT m.name, c.name FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type = 'table' "
                      "ORDER BY c.cid",
                      [&](const auto& s) { columns_[s.string(0)].push_back(s.string(1)); }));
    }
    // The changeset of what `work` does.
    std::map<RowKey, Change> record(const std::string& stamp, const Device::Work& work) {
        stamp_ = stamp;
        EXPECT_TRUE(db_->execute("BEGIN IMMEDIATE"));
        sqlite3_session* session = nullptr;
        EXPECT_EQ(sqlite3session_create(db_->raw(), "main", &session), SQLITE_OK);
        for (const Table& table : schema()) EXPECT_EQ(sqlite3session_attach(session, table.name.c_str()), SQLITE_OK);
        const auto done = work(*db_);
        EXPECT_TRUE(done) << done.error().message;
        int size = 0;
        void* bytes = nullptr;
        EXPECT_EQ(sqlite3session_changeset(session, &size, &bytes), SQLITE_OK);
        sqlite3session_delete(session);
        EXPECT_TRUE(db_->execute("COMMIT"));
        auto changes = decoded(size, bytes);
        sqlite3_free(bytes);
        return changes;
    }

  private:
    static void stamp(sqlite3_context* context, int, sqlite3_value**) {
        const auto& text = *static_cast<std::string*>(sqlite3_user_data(context));
        sqlite3_result_text(context, text.c_str(), -1, SQLITE_TRANSIENT);
    }
    std::map<RowKey, Change> decoded(int size, void* bytes) {
        std::map<RowKey, Change> changes;
        sqlite3_changeset_iter* at = nullptr;
        EXPECT_EQ(sqlite3changeset_start(&at, size, bytes), SQLITE_OK);
        while (sqlite3changeset_next(at) == SQLITE_ROW) {
            const char* table = nullptr;
            int columns = 0, operation = 0, indirect = 0;
            sqlite3changeset_op(at, &table, &columns, &operation, &indirect);
            sqlite3_value* id = nullptr;
            if (operation == SQLITE_INSERT)
                sqlite3changeset_new(at, 0, &id);
            else
                sqlite3changeset_old(at, 0, &id);
            Change& change = changes[{table, reinterpret_cast<const char*>(sqlite3_value_text(id))}];
            change.kind = operation == SQLITE_INSERT   ? Kind::insert
                          : operation == SQLITE_UPDATE ? Kind::update
                                                       : Kind::remove;
            for (int i = 1; operation != SQLITE_DELETE && i < columns; i++) {
                sqlite3_value* value = nullptr;
                sqlite3changeset_new(at, i, &value);
                const std::string& column = columns_[table][static_cast<size_t>(i)];
                if (value && column != "_updated_at") change.values[column] = packed(value);
            }
        }
        EXPECT_EQ(sqlite3changeset_finalize(at), SQLITE_OK);
        return changes;
    }

    std::string stamp_;
    std::unique_ptr<Connection> db_;
    std::map<std::string, std::vector<std::string>> columns_;
};

struct Recorded {
    std::string stamp;
    std::map<RowKey, Change> changes;
};

Recorded by_the_product(sync::Database& database, const Device::Work& work) {
    Recorded recorded;
    const auto written = database.write("", work);
    EXPECT_TRUE(written) << written.error().message;
    const auto taken = database.replicate([&](Connection& connection) -> Result<void> {
        const auto list = TRY(database.unsealed(connection, 1 << 26));
        EXPECT_EQ(list.size(), written->stamp ? 1u : 0u);
        if (list.empty()) return {};
        Reading reading;
        TRY(sync::check_changes(list[0].changes));
        TRY(sync::read_changes(list[0].changes, reading));
        recorded = {list[0].stamp.text(), std::move(reading.changes)};
        TRY(database.mark_sealed(connection, list[0].position, static_cast<uint64_t>(list[0].position), {}));
        return database.mark_sent(connection, static_cast<uint64_t>(list[0].position));
    });
    EXPECT_TRUE(taken) << taken.error().message;
    return recorded;
}

std::string readable(std::map<RowKey, Change> changes) {
    return property::readable(Transaction{"", std::move(changes), {}});
}

}  // namespace

TEST(Recorder, TellsWhatTheSessionExtensionTells) {
    for (const uint64_t seed : seeds(100)) {
        const auto directory = scratch_directory();
        std::filesystem::create_directories(directory);
        FakeClock clock;
        {
            auto database = sync::Database::open({directory / "ours.db", kMigrations, crypto::DeviceId{}, &clock});
            ASSERT_TRUE(database) << database.error().message;
            Watched watched(directory / "watched.db");
            for (size_t i = 0; i < 25; i++) {
                // the same statements twice: both connections hold the same rows, so the same choices follow
                const auto work = [&](Connection& connection) {
                    Rng rng(seed * 100 + i);
                    return random_work(connection, 2, rng);
                };
                const Recorded ours = by_the_product(**database, work);
                const auto theirs = watched.record(ours.stamp.empty() ? "none" : ours.stamp, work);
                ASSERT_EQ(readable(ours.changes), readable(theirs)) << "seed " << seed << ", transaction " << i;
            }
        }
        std::filesystem::remove_all(directory);
    }
}

}  // namespace bae::property
