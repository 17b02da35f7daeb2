#include <sqlite3.h>

#include "sync/sqlite/connection.h"

namespace bae::sync::sqlite {

// --- Statement ------------------------------------------------------------------------------------------------------

Statement::~Statement() { sqlite3_finalize(stmt_); }

Statement::Statement(Statement&& other) noexcept
    : db_(std::exchange(other.db_, nullptr)),
      stmt_(std::exchange(other.stmt_, nullptr)),
      failures_(other.failures_),
      bind_error_(other.bind_error_) {}

Statement& Statement::operator=(Statement&& other) noexcept {
    std::swap(db_, other.db_);
    std::swap(stmt_, other.stmt_);
    std::swap(failures_, other.failures_);
    std::swap(bind_error_, other.bind_error_);
    return *this;
}

// A value too big for SQLite is an error of the next step, not of the bind.
void Statement::bound(int code) {
    if (code != SQLITE_OK) bind_error_ = code;
}

void Statement::bind(int index, std::nullptr_t) { bound(sqlite3_bind_null(stmt_, index)); }
void Statement::bind_integer(int index, int64_t value) { bound(sqlite3_bind_int64(stmt_, index, value)); }
void Statement::bind(int index, double value) { bound(sqlite3_bind_double(stmt_, index, value)); }

// An empty view may have no address, which SQLite would take for NULL.
static const char* address(std::string_view value) { return value.data() ? value.data() : ""; }
static const void* address(ByteView value) { return value.data() ? static_cast<const void*>(value.data()) : ""; }

void Statement::bind(int index, std::string_view value) {
    bound(sqlite3_bind_text64(stmt_, index, address(value), value.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
}
void Statement::bind(int index, ByteView value) {
    bound(sqlite3_bind_blob64(stmt_, index, address(value), value.size(), SQLITE_TRANSIENT));
}
void Statement::bind_static(int index, std::string_view value) {
    bound(sqlite3_bind_text64(stmt_, index, address(value), value.size(), SQLITE_STATIC, SQLITE_UTF8));
}
void Statement::bind_static(int index, ByteView value) {
    bound(sqlite3_bind_blob64(stmt_, index, address(value), value.size(), SQLITE_STATIC));
}

Result<bool> Statement::step() {
    if (const int code = std::exchange(bind_error_, 0)) {
        sqlite3_reset(stmt_);
        return tl::unexpected<Error>(sqlite_error(nullptr, code, "database"));
    }
    const int code = sqlite3_step(stmt_);
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) {
        sqlite3_reset(stmt_);
        return false;
    }
    ++*failures_;
    Error error = sqlite_error(db_, code, "database");
    sqlite3_reset(stmt_);
    return tl::unexpected<Error>(std::move(error));
}

Result<void> Statement::run() {
    while (TRY(step())) {
    }
    return {};
}

void Statement::reset() { sqlite3_reset(stmt_); }
int Statement::column_count() const { return sqlite3_column_count(stmt_); }
std::string_view Statement::column_name(int index) const { return sqlite3_column_name(stmt_, index); }
ColumnType Statement::type(int index) const { return static_cast<ColumnType>(sqlite3_column_type(stmt_, index)); }
int64_t Statement::integer(int index) const { return sqlite3_column_int64(stmt_, index); }
double Statement::real(int index) const { return sqlite3_column_double(stmt_, index); }
std::string_view Statement::text(int index) const { return as_text(blob(index)); }
ByteView Statement::blob(int index) const {
    const void* data = sqlite3_column_blob(stmt_, index);
    return {static_cast<const std::byte*>(data), static_cast<size_t>(sqlite3_column_bytes(stmt_, index))};
}

// --- Connection -----------------------------------------------------------------------------------------------------

static ErrorKind kind_of(int code) {
    switch (code & 0xff) {
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
        case SQLITE_FULL:
        case SQLITE_IOERR:
        case SQLITE_PROTOCOL:
            return ErrorKind::retry;
        case SQLITE_READONLY:
        case SQLITE_PERM:
        case SQLITE_AUTH:
        case SQLITE_CANTOPEN:
            return ErrorKind::denied;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
            return ErrorKind::corrupt;
        case SQLITE_CONSTRAINT:
        case SQLITE_MISMATCH:
        case SQLITE_TOOBIG:
            return ErrorKind::invalid_input;
        case SQLITE_INTERRUPT:
            return ErrorKind::cancelled;
        default:
            return ErrorKind::internal;
    }
}

static Cause cause_of(int code) {
    const int primary = code & 0xff;
    if (primary == SQLITE_BUSY || primary == SQLITE_LOCKED) return Cause::locked;
    return primary == SQLITE_FULL ? Cause::no_space : Cause::other;
}

Error sqlite_error(sqlite3* db, int code, std::string_view doing) {
    std::string message = std::string(doing) + ": " + (db ? sqlite3_errmsg(db) : sqlite3_errstr(code));
    if ((code & 0xff) == SQLITE_BUSY) message += " (another process is writing; try again)";
    if ((code & 0xff) == SQLITE_FULL) message += " (free some space and try again)";
    if ((code & 0xff) == SQLITE_READONLY) message += " (check the permissions of the library's folder)";
    if ((code & 0xff) == SQLITE_CANTOPEN) message += " (make sure that the library's folder is there and writable)";
    return Error{kind_of(code), std::move(message), cause_of(code)};
}

Result<std::unique_ptr<Connection>> Connection::open(const std::filesystem::path& path, OpenMode mode) {
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    if (mode == OpenMode::read_only) flags |= SQLITE_OPEN_READONLY;
    if (mode != OpenMode::read_only) flags |= SQLITE_OPEN_READWRITE;
    if (mode == OpenMode::create) flags |= SQLITE_OPEN_CREATE;
    sqlite3* db = nullptr;
    const int code = sqlite3_open_v2(path.c_str(), &db, flags, nullptr);
    std::unique_ptr<Connection> connection(new Connection(db));
    if (code != SQLITE_OK) return tl::unexpected<Error>(sqlite_error(db, code, "opening " + path.string()));
    sqlite3_busy_timeout(db, 15'000);
    return connection;
}

Connection::~Connection() {
    cache_.clear();
    sqlite3_close_v2(db_);
}

Result<void> Connection::execute(const std::string& script) {
    const int code = sqlite3_exec(db_, script.c_str(), nullptr, nullptr, nullptr);
    if (code == SQLITE_OK) return {};
    ++*failures_;
    return tl::unexpected<Error>(sqlite_error(db_, code, "database"));
}

Result<Statement> Connection::prepare(std::string_view sql) {
    sqlite3_stmt* stmt = nullptr;
    const int code = sqlite3_prepare_v3(db_, sql.data(), static_cast<int>(sql.size()), 0, &stmt, nullptr);
    if (code != SQLITE_OK)
        return tl::unexpected<Error>(sqlite_error(db_, code, "preparing \"" + std::string(sql) + "\""));
    return Statement(db_, stmt, failures_.get());
}

Result<Statement*> Connection::cached(std::string_view sql) {
    auto found = cache_.find(sql);
    if (found == cache_.end()) found = cache_.emplace(std::string(sql), TRY(prepare(sql))).first;
    found->second.reset();
    return &found->second;
}

static void call_function(sqlite3_context* context, int, sqlite3_value**) {
    const auto& value = *static_cast<std::function<std::string()>*>(sqlite3_user_data(context));
    const std::string text = value();
    if (text.empty()) return sqlite3_result_error(context, "stamp() has a value only inside a write", -1);
    sqlite3_result_text64(context, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
}

Result<void> Connection::define(const std::string& name, std::function<std::string()> value) {
    functions_.push_back(std::make_unique<std::function<std::string()>>(std::move(value)));
    const int code = sqlite3_create_function_v2(db_, name.c_str(), 0, SQLITE_UTF8, functions_.back().get(),
                                                &call_function, nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) return tl::unexpected<Error>(sqlite_error(db_, code, "defining " + name));
    return {};
}

int64_t Connection::changes() const { return sqlite3_changes64(db_); }
int64_t Connection::total_changes() const { return sqlite3_total_changes64(db_); }
bool Connection::in_transaction() const { return sqlite3_get_autocommit(db_) == 0; }

// --- Transaction ----------------------------------------------------------------------------------------------------

Result<Transaction> Transaction::begin(Connection& connection, Kind kind) {
    TRY(connection.run(kind == Kind::write ? "BEGIN IMMEDIATE" : "BEGIN"));
    return Transaction(&connection);
}

Transaction::~Transaction() {
    if (connection_ && connection_->in_transaction()) (void)connection_->run("ROLLBACK");
}

Result<void> Transaction::commit() {
    TRY(connection_->run("COMMIT"));
    connection_ = nullptr;
    return {};
}

}  // namespace bae::sync::sqlite
