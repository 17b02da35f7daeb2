#define SQLITE_ENABLE_PREUPDATE_HOOK
#include "sync/sqlite/recorder.h"

#include <fmt/core.h>
#include <sqlite3.h>

#include <cstring>

#include "sync/changes.h"

namespace bae::sync::sqlite {

namespace {

// Memory that is freed all at once; views into it stay valid until then.
class Arena {
  public:
    ByteView keep(ByteView bytes) {
        if (bytes.size() > left_) grow(bytes.size());
        std::byte* at = blocks_.back().get() + used_;
        if (!bytes.empty()) std::memcpy(at, bytes.data(), bytes.size());
        used_ += bytes.size();
        left_ -= bytes.size();
        return {at, bytes.size()};
    }
    std::string_view keep(std::string_view text) { return as_text(keep(as_bytes(text))); }
    void clear() {
        blocks_.clear();
        used_ = left_ = 0;
    }

  private:
    void grow(size_t need) {
        const size_t size = need > kBlock ? need : kBlock;
        blocks_.push_back(std::make_unique_for_overwrite<std::byte[]>(size));
        used_ = 0;
        left_ = size;
    }
    static constexpr size_t kBlock = 1 << 18;
    std::vector<std::unique_ptr<std::byte[]>> blocks_;
    size_t used_ = 0, left_ = 0;
};

// Row ids of one table to their index: open addressing, because one allocation per row costs as much as the capture.
class RowIndex {
  public:
    // The slot of `id`: holds its index + 1, or 0 to be filled by the caller.
    uint32_t& slot(std::string_view id, const std::vector<RecordedRow>& rows) {
        if (rows.size() * 2 >= slots_.size()) rehash(rows);
        const size_t mask = slots_.size() - 1;
        for (size_t i = std::hash<std::string_view>()(id) & mask;; i = (i + 1) & mask)
            if (slots_[i] == 0 || rows[slots_[i] - 1].id == id) return slots_[i];
    }
    void clear() { slots_.clear(); }

  private:
    void rehash(const std::vector<RecordedRow>& rows) {
        slots_.assign(slots_.empty() ? 64 : slots_.size() * 4, 0);
        const size_t mask = slots_.size() - 1;
        for (uint32_t r = 0; r < rows.size(); r++) {
            size_t i = std::hash<std::string_view>()(rows[r].id) & mask;
            while (slots_[i] != 0) i = (i + 1) & mask;
            slots_[i] = r + 1;
        }
    }
    std::vector<uint32_t> slots_;
};

ValueView view_of(sqlite3_value* value) {
    switch (sqlite3_value_type(value)) {
        case SQLITE_INTEGER:
            return ValueView::of(static_cast<int64_t>(sqlite3_value_int64(value)));
        case SQLITE_FLOAT:
            return ValueView::of(sqlite3_value_double(value));
        case SQLITE_TEXT: {
            const auto* text = reinterpret_cast<const char*>(sqlite3_value_text(value));
            return ValueView::of(std::string_view(text, static_cast<size_t>(sqlite3_value_bytes(value))));
        }
        case SQLITE_BLOB: {
            const auto* data = static_cast<const std::byte*>(sqlite3_value_blob(value));
            return ValueView::of_blob({data, static_cast<size_t>(sqlite3_value_bytes(value))});
        }
        default:
            return {};
    }
}

// What a reader of the column sees: SQLite hands whole numbers of REAL columns to the hook as integers, and columns
// that were added after the row as NULL.
ValueView as_stored(const ValueView& value, const SyncedColumn& column) {
    if (value.type == ValueView::Type::integer && column.type == ValueView::Type::real)
        return ValueView::of(static_cast<double>(value.integer));
    if (value.type == ValueView::Type::null && column.not_null) return ValueView::unset();
    return value;
}

struct TableRecord {
    std::vector<RecordedRow> rows;
    RowIndex index;
};

}  // namespace

struct Recorder::State {
    sqlite3* db = nullptr;
    const Schema* schema = nullptr;  // null: not recording
    std::string stamp;
    Arena arena;
    std::vector<TableRecord> tables;
    std::string violation;
    Bytes scratch;
    const char* last_name = nullptr;  // SQLite hands the same pointer for the same table within a transaction
    int last_table = -1;
    int64_t replace_mark = -1;  // total_changes when a row was last deleted
    std::string_view replace_id;
    Connection* connection = nullptr;
    uint64_t failures_before = 0;
    bool savepoints = false;  // a ROLLBACK TO was prepared on this connection

    using Getter = int (*)(sqlite3*, int, sqlite3_value**);

    static void hook(void* self, sqlite3*, int op, const char*, const char* table, sqlite3_int64, sqlite3_int64) {
        auto& state = *static_cast<State*>(self);
        if (state.schema) state.touch(op, table);
    }

    static int authorize(void* self, int action, const char* operation, const char*, const char*, const char*) {
        if (action == SQLITE_SAVEPOINT && std::string_view(operation) == "ROLLBACK")
            static_cast<State*>(self)->savepoints = true;
        return SQLITE_OK;
    }
    static int refuse_commit(void* self) { return static_cast<State*>(self)->schema ? 1 : 0; }

    bool doubtful() const { return savepoints || connection->failures() != failures_before; }

    // What the rows are now, past the hook.
    Result<void> read_again(const SyncedTable& table, TableRecord& record) {
        std::string columns = "_updated_at";
        for (const SyncedColumn& column : table.columns) columns += fmt::format(", \"{}\"", column.name);
        Statement s = TRY(connection->prepare(fmt::format("SELECT {} FROM \"{}\" WHERE id = ?", columns, table.name)));
        for (RecordedRow& row : record.rows) {
            s.with(row.id);
            row.after = TRY(s.step());
            if (!row.after) continue;
            row.stamped = s.text(0) == stamp;
            row.old_stamp_kept = row.before && s.text(0) == row.old_updated_at;
            scratch.clear();
            Packer packer(scratch);
            for (size_t i = 0; i < table.columns.size(); i++)
                pack_value(packer, view_of(sqlite3_column_value(s.raw(), static_cast<int>(i) + 1)));
            row.new_values = arena.keep(scratch);
            s.reset();
        }
        return {};
    }

    int table_of(const char* name) {
        if (name != last_name) {
            last_name = name;
            last_table = schema->find(name);
        }
        return last_table;
    }

    ValueView value(Getter get, int position) const {
        sqlite3_value* value = nullptr;
        CHECK(get(db, position, &value) == SQLITE_OK);
        return view_of(value);
    }

    ByteView pack_row(Getter get, const SyncedTable& table) {
        scratch.clear();
        Packer packer(scratch);
        for (const SyncedColumn& column : table.columns) {
            const ValueView v = as_stored(value(get, column.position), column);
            if (v.type == ValueView::Type::unset) {  // a row older than the column
                append(scratch, column.default_value);
                continue;
            }
            if (!column.fits(v.type)) refuse(table, "a value of another type than the column's: " + column.name);
            if (v.bytes.size() > kMaxValueBytes) refuse(table, "a value of more than 16 MiB: " + column.name);
            pack_value(packer, v);
        }
        return arena.keep(scratch);
    }

    void touch(int op, const char* name) {
        const int index = table_of(name);
        if (index < 0) return;
        const SyncedTable& table = schema->tables[static_cast<size_t>(index)];
        const Getter first = op == SQLITE_INSERT ? sqlite3_preupdate_new : sqlite3_preupdate_old;
        RecordedRow& row = row_of(index, value(first, 0).bytes, op, table);
        check_identity(op, table, row);
        row.after = op != SQLITE_DELETE;
        if (!row.after) return;
        const std::string_view updated_at = value(sqlite3_preupdate_new, table.updated_at).bytes;
        row.stamped = updated_at == stamp;
        row.old_stamp_kept = row.before && updated_at == row.old_updated_at;
        row.new_values = pack_row(sqlite3_preupdate_new, table);
    }

    RecordedRow& row_of(int index, std::string_view id, int op, const SyncedTable& table) {
        TableRecord& record = tables[static_cast<size_t>(index)];
        uint32_t& slot = record.index.slot(id, record.rows);
        if (slot != 0) return record.rows[slot - 1];
        record.rows.emplace_back();
        slot = static_cast<uint32_t>(record.rows.size());
        RecordedRow& row = record.rows.back();
        row.id = arena.keep(id);
        row.before = op != SQLITE_INSERT;
        if (row.before) {
            row.old_updated_at = arena.keep(value(sqlite3_preupdate_old, table.updated_at).bytes);
            row.old_values = pack_row(sqlite3_preupdate_old, table);
        }
        return row;
    }

    // A REPLACE deletes and inserts within one statement: between the two the count of changes stands still.
    void check_identity(int op, const SyncedTable& table, const RecordedRow& row) {
        const int64_t changes = sqlite3_total_changes64(db);
        if (op == SQLITE_DELETE) {
            replace_mark = changes;
            replace_id = row.id;
        } else if (op == SQLITE_INSERT && replace_mark == changes && replace_id == row.id) {
            refuse(table, "REPLACE would be taken for an update: use INSERT ... ON CONFLICT(id) DO UPDATE");
        } else if (op == SQLITE_UPDATE && value(sqlite3_preupdate_new, 0).bytes != row.id) {
            refuse(table, "`id` may not be updated");
        }
    }

    void refuse(const SyncedTable& table, std::string_view why) {
        if (violation.empty()) violation = fmt::format("table {}: {}", table.name, why);
    }
};

Recorder::Recorder(Connection& connection) : state_(std::make_unique<State>()) {
    state_->db = connection.raw();
    state_->connection = &connection;
    sqlite3_preupdate_hook(state_->db, &State::hook, state_.get());
    sqlite3_commit_hook(state_->db, &State::refuse_commit, state_.get());
    sqlite3_set_authorizer(state_->db, &State::authorize, state_.get());
}

Recorder::~Recorder() {
    sqlite3_preupdate_hook(state_->db, nullptr, nullptr);
    sqlite3_commit_hook(state_->db, nullptr, nullptr);
    sqlite3_set_authorizer(state_->db, nullptr, nullptr);
}

void Recorder::begin(const Schema& schema, std::string stamp) {
    state_->arena.clear();
    state_->tables.assign(schema.tables.size(), {});
    state_->stamp = std::move(stamp);
    state_->violation.clear();
    state_->last_name = nullptr;
    state_->replace_mark = -1;
    state_->failures_before = state_->connection->failures();
    state_->schema = &schema;
}

Result<void> Recorder::end() {
    State& state = *state_;
    const Schema* schema = std::exchange(state.schema, nullptr);  // a second call finds none
    if (!schema) return {};
    if (state.doubtful())
        for (size_t t = 0; t < state.tables.size(); t++)
            if (!state.tables[t].rows.empty()) TRY(state.read_again(schema->tables[t], state.tables[t]));
    for (size_t t = 0; t < state.tables.size(); t++)
        for (const RecordedRow& row : state.tables[t].rows) {
            const bool untouched = row.old_stamp_kept && equal(row.old_values, row.new_values);
            if (row.after && !row.stamped && !untouched)
                state.refuse(schema->tables[t], "an inserted or updated row must carry stamp() in `_updated_at`");
            if (row.after && !is_row_id(row.id))
                state.refuse(schema->tables[t], "an id must be 1 to 64 digits, lower-case letters and hyphens");
        }
    if (!state.violation.empty())
        return fail(ErrorKind::invalid_input, "the transaction breaks a rule and was taken back: " + state.violation);
    return {};
}

const std::vector<RecordedRow>& Recorder::rows(int table) const {
    return state_->tables[static_cast<size_t>(table)].rows;
}

bool Recorder::empty() const {
    for (const TableRecord& table : state_->tables)
        if (!table.rows.empty()) return false;
    return true;
}

}  // namespace bae::sync::sqlite
