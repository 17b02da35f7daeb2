#pragma once
// An SQLite connection with a statement cache. For one thread at a time. All statements must be gone before it closes,
// except those of its own cache.
//
// Errors: retry (locked by another process, disk full, I/O), denied (read-only), corrupt (not a database, damaged),
// invalid_input (constraint), internal (bad SQL). Messages carry SQLite's own words.
#include <filesystem>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "sync/sqlite/statement.h"

namespace bae::sync::sqlite {

enum class OpenMode { read_only, read_write, create };

class Connection {
  public:
    static Result<std::unique_ptr<Connection>> open(const std::filesystem::path& path, OpenMode mode);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    Result<void> execute(const std::string& script);  // any number of statements without parameters
    Result<Statement> prepare(std::string_view sql);
    Result<Statement*> cached(std::string_view sql);  // reset and ready to bind; owned by the connection

    // Runs a statement that returns nothing of interest.
    template <class... Args>
    Result<void> run(std::string_view sql, const Args&... args) {
        Statement* s = TRY(cached(sql));
        return s->with(args...).run();
    }
    // Calls row(const Statement&) -> Result<void> or void for each row.
    template <class Row, class... Args>
    Result<void> each(std::string_view sql, Row&& row, const Args&... args) {
        Statement s = TRY(prepare(sql));
        s.with(args...);
        while (TRY(s.step())) {
            if constexpr (std::is_void_v<decltype(row(s))>)
                row(s);
            else
                TRY(row(s));
        }
        return {};
    }
    template <class... Args>
    Result<std::optional<int64_t>> integer(std::string_view sql, const Args&... args) {
        Statement* s = TRY(cached(sql));
        if (!TRY(s->with(args...).step())) return std::optional<int64_t>();
        const std::optional<int64_t> value = s->is_null(0) ? std::nullopt : std::optional<int64_t>(s->integer(0));
        s->reset();
        return value;
    }
    template <class... Args>
    Result<std::optional<std::string>> text(std::string_view sql, const Args&... args) {
        Statement* s = TRY(cached(sql));
        if (!TRY(s->with(args...).step())) return std::optional<std::string>();
        const std::optional<std::string> value =
            s->is_null(0) ? std::nullopt : std::optional<std::string>(s->string(0));
        s->reset();
        return value;
    }

    // An SQL function without arguments that returns text; `value` is asked at every call and must outlive the
    // connection's statements. An empty answer is an error in the statement ("only inside write").
    Result<void> define(const std::string& name, std::function<std::string()> value);

    // Statements that failed half way and were taken back by SQLite, as far as this wrapper ran them.
    uint64_t failures() const { return *failures_; }
    int64_t changes() const;        // rows changed by the last statement
    int64_t total_changes() const;  // since open, as of the last finished statement
    bool in_transaction() const;
    sqlite3* raw() const { return db_; }

  private:
    explicit Connection(sqlite3* db) : db_(db) {}
    sqlite3* db_;
    std::unique_ptr<uint64_t> failures_ = std::make_unique<uint64_t>(0);
    struct TextHash : std::hash<std::string_view> {
        using is_transparent = void;
    };
    std::unordered_map<std::string, Statement, TextHash, std::equal_to<>> cache_;
    std::vector<std::unique_ptr<std::function<std::string()>>> functions_;
};

// The error for SQLite's result code on this connection.
Error sqlite_error(sqlite3* db, int code, std::string_view doing);

// Rolls back when it goes out of scope, unless committed.
class Transaction {
  public:
    enum class Kind { read, write };  // write: BEGIN IMMEDIATE
    static Result<Transaction> begin(Connection& connection, Kind kind);
    ~Transaction();
    Transaction(Transaction&& other) noexcept : connection_(std::exchange(other.connection_, nullptr)) {}
    Transaction& operator=(Transaction&&) = delete;
    Result<void> commit();

  private:
    explicit Transaction(Connection* connection) : connection_(connection) {}
    Connection* connection_;
};

}  // namespace bae::sync::sqlite
