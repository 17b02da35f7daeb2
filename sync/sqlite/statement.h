#pragma once
// One prepared SQLite statement. Belongs to its Connection and to one thread at a time.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "crypto/base/bytes.h"

struct sqlite3;
struct sqlite3_stmt;

namespace bae::sync::sqlite {

enum class ColumnType { integer = 1, real = 2, text = 3, blob = 4, null = 5 };  // SQLite's own numbers

class Statement {
  public:
    Statement() = default;
    Statement(sqlite3* db, sqlite3_stmt* stmt, uint64_t* failures) : db_(db), stmt_(stmt), failures_(failures) {}
    ~Statement();
    Statement(Statement&& other) noexcept;
    Statement& operator=(Statement&& other) noexcept;

    // Parameters count from 1. Text and bytes are copied unless the _static form is used, whose memory must stay until
    // the statement is reset.
    void bind(int index, std::nullptr_t);
    void bind(int index, double value);
    void bind(int index, std::string_view value);
    void bind(int index, const char* value) { bind(index, std::string_view(value)); }
    void bind(int index, const std::string& value) { bind(index, std::string_view(value)); }
    void bind(int index, ByteView value);
    void bind(int index, const Bytes& value) { bind(index, ByteView(value)); }
    void bind_static(int index, std::string_view value);
    void bind_static(int index, ByteView value);
    void bind_integer(int index, int64_t value);
    template <class T>
    requires std::is_integral_v<T>
    void bind(int index, T value) { bind_integer(index, static_cast<int64_t>(value)); }
    template <class T>
    void bind(int index, const std::optional<T>& value) {
        if (value)
            bind(index, *value);
        else
            bind(index, nullptr);
    }
    template <class... Args>
    Statement& with(const Args&... args) {
        reset();
        int index = 0;
        (bind(++index, args), ...);
        return *this;
    }

    Result<bool> step();  // true: a row can be read; false: done (the statement is reset)
    Result<void> run();   // to the end, rows ignored, then reset
    void reset();

    // Columns count from 0 and are valid until the next step or reset.
    int column_count() const;
    std::string_view column_name(int index) const;
    ColumnType type(int index) const;
    bool is_null(int index) const { return type(index) == ColumnType::null; }
    int64_t integer(int index) const;
    double real(int index) const;
    std::string_view text(int index) const;  // text or blob bytes; empty for NULL
    ByteView blob(int index) const;
    std::string string(int index) const { return std::string(text(index)); }
    sqlite3_stmt* raw() const { return stmt_; }

  private:
    void bound(int code);
    sqlite3* db_ = nullptr;
    sqlite3_stmt* stmt_ = nullptr;
    uint64_t* failures_ = nullptr;  // the connection's count
    int bind_error_ = 0;            // of a value that could not be bound
};

}  // namespace bae::sync::sqlite
