#include "sync/capture.h"

#include <fmt/core.h>

#include "sync/changes.h"

namespace bae::sync {

namespace {

using sqlite::RecordedRow;

enum class Net { none, insert, update, remove };

Net net_of(const RecordedRow& row) {
    if (!row.before) return row.after ? Net::insert : Net::none;
    if (!row.after) return Net::remove;
    return row.old_stamp_kept && equal(row.old_values, row.new_values) ? Net::none : Net::update;
}

// The values of a recorded row, one after another.
class Values {
  public:
    explicit Values(ByteView packed) : rest_(packed) {}
    ByteView next() {
        const ByteView value = rest_.first(packed_length(rest_));
        rest_ = rest_.subspan(value.size());
        return value;
    }

  private:
    ByteView rest_;
};

struct TableLists {
    Bytes inserts, updates, removals;
    uint32_t insert_count = 0, update_count = 0, removal_count = 0;
    bool empty() const { return insert_count + update_count + removal_count == 0; }
};

class Capture {
  public:
    Capture(const std::string& stamp, CaptureTarget target)
        : stamp_(stamp), target_(target), packed_stamp_(packed(ValueView::of(stamp))) {}

    Result<void> table(int index, const std::vector<RecordedRow>& rows) {
        index_ = index;
        table_ = &target_.schema.tables[static_cast<size_t>(index)];
        lists_ = {};
        for (const RecordedRow& row : rows) TRY(one(row));
        if (!lists_.empty()) append_table();
        return {};
    }

    Captured finish() {
        Captured out;
        if (count_ == 0) return out;
        Packer(out.changes).array(count_);
        append(out.changes, body_);
        out.tables = std::move(touched_);
        return out;
    }

    // Shows what waited for rows that were inserted; after all rows are accounted for.
    Result<void> show_children() {
        for (const auto& [table, id] : inserted_) TRY(target_.rows.show_children(table, id));
        return {};
    }

  private:
    Result<void> one(const RecordedRow& row) {
        switch (net_of(row)) {
            case Net::none:
                return {};
            case Net::insert:
                return insert(row);
            case Net::update:
                return update(row);
            case Net::remove:
                return remove(row);
        }
        return {};
    }

    Result<void> forget_former(std::string_view id) {
        if (!target_.rows.has_hidden(index_)) return {};
        // The row stands in its table already, so its former state is read past it.
        const auto former = TRY(target_.rows.load_hidden(table_->name, id));
        if (!former) return {};
        subtract_from_digest(target_.digest, terms_, table_->name, id, *former);
        TRY(target_.rows.drop_grave(table_->name, id));
        return target_.rows.forget_hidden(table_->name, id);
    }

    Result<void> insert(const RecordedRow& row) {
        TRY(forget_former(row.id));
        TRY(target_.lost.seen_by_own_write(table_->name, row.id, {}, true));
        Packer packer(lists_.inserts);
        packer.array(static_cast<uint32_t>(table_->columns.size() + 1));
        packer.text(row.id);
        terms_.set_row(table_->name, row.id);
        target_.digest.add(terms_.row(stamp_, true));
        Values values(row.new_values);
        for (const SyncedColumn& column : table_->columns) {
            const ByteView value = values.next();
            if (column.parent < 0 && equal(value, column.default_value)) {
                packer.boolean(false);
                continue;
            }
            packer.raw(value);
            target_.digest.add(terms_.value(column.name, stamp_, value));
        }
        lists_.insert_count++;
        if (target_.rows.any_parked() && !table_->children.empty()) inserted_.emplace_back(index_, std::string(row.id));
        return {};
    }

    // R of a visible row: its entry, or the stamp it had when the transaction began.
    Result<std::string> row_stamp(const RecordedRow& row) {
        const auto entry = TRY(target_.connection.text("SELECT stamp FROM sync_row_stamps WHERE tbl = ? AND id = ?",
                                                       table_->name, row.id));
        return entry ? *entry : std::string(row.old_updated_at);
    }

    Result<void> update(const RecordedRow& row) {
        const std::string r = TRY(row_stamp(row));
        TRY(target_.connection.run(
            "INSERT INTO sync_row_stamps (tbl, id, stamp) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", table_->name,
            row.id, r));
        terms_.set_row(table_->name, row.id);
        if (row.old_updated_at > r)
            target_.digest.subtract(
                terms_.value("_updated_at", row.old_updated_at, packed(ValueView::of(row.old_updated_at))));
        target_.digest.add(terms_.value("_updated_at", stamp_, packed_stamp_));
        Bytes changed;
        Packer packer(changed);
        std::vector<std::string_view> columns;
        Values before(row.old_values);
        Values after(row.new_values);
        for (size_t i = 0; i < table_->columns.size(); i++) {
            const ByteView old_value = before.next();
            const ByteView new_value = after.next();
            if (equal(old_value, new_value)) continue;
            columns.emplace_back(table_->columns[i].name);
            packer.uint(i);
            packer.raw(new_value);
            TRY(write_cell(row.id, table_->columns[i], r, old_value, new_value));
        }
        TRY(target_.lost.seen_by_own_write(table_->name, row.id, columns, false));
        Packer list(lists_.updates);
        list.array(static_cast<uint32_t>(1 + 2 * columns.size()));
        list.text(row.id);
        list.raw(changed);
        lists_.update_count++;
        return {};
    }

    Result<void> write_cell(std::string_view id, const SyncedColumn& column, const std::string& r, ByteView old_value,
                            ByteView new_value) {
        sqlite::Connection& c = target_.connection;
        const auto old_stamp = TRY(c.text("SELECT stamp FROM sync_cell_stamps WHERE tbl = ? AND id = ? AND col = ?",
                                          table_->name, id, column.name));
        if (old_stamp)
            target_.digest.subtract(terms_.value(column.name, *old_stamp, old_value));
        else if (column.parent >= 0 || !equal(old_value, column.default_value))
            target_.digest.subtract(terms_.value(column.name, r, old_value));
        target_.digest.add(terms_.value(column.name, stamp_, new_value));
        return c.run(
            "INSERT INTO sync_cell_stamps (tbl, id, col, stamp) VALUES (?, ?, ?, ?) ON CONFLICT(tbl, id, col) DO "
            "UPDATE SET stamp = excluded.stamp",
            table_->name, id, column.name, stamp_);
    }

    // The row as it was when the transaction began: the recorded values and the entries, which nothing has touched yet.
    Result<RowState> former_state(const RecordedRow& row) {
        RowState state;
        state.updated_at = std::string(row.old_updated_at);
        Values values(row.old_values);
        for (const SyncedColumn& column : table_->columns) {
            const ByteView value = values.next();
            if (column.parent >= 0 || !equal(value, column.default_value)) state.base[column.name] = to_bytes(value);
        }
        TRY(target_.rows.add_entries(index_, row.id, state));
        return state;
    }

    Result<void> remove(const RecordedRow& row) {
        const RowState former = TRY(former_state(row));
        subtract_from_digest(target_.digest, terms_, table_->name, row.id, former);
        TRY(target_.rows.keep_grave(table_->name, row.id, former));
        RowState dead;
        dead.existence = Existence::dead;
        dead.row_stamp = dead.updated_at = stamp_;
        add_to_digest(target_.digest, terms_, table_->name, row.id, dead);
        TRY(target_.rows.bury(index_, row.id, dead));
        TRY(target_.lost.seen_by_own_write(table_->name, row.id, {}, true));
        Packer(lists_.removals).text(row.id);
        lists_.removal_count++;
        return {};
    }

    void append_table() {
        Packer packer(body_);
        packer.array(5);
        packer.text(table_->name);
        packer.array(static_cast<uint32_t>(table_->columns.size()));
        for (const SyncedColumn& column : table_->columns) packer.text(column.name);
        packer.array(lists_.insert_count);
        packer.raw(lists_.inserts);
        packer.array(lists_.update_count);
        packer.raw(lists_.updates);
        packer.array(lists_.removal_count);
        packer.raw(lists_.removals);
        touched_.push_back(table_->name);
        count_++;
    }

    std::string stamp_;
    CaptureTarget target_;
    Bytes packed_stamp_;
    int index_ = 0;
    const SyncedTable* table_ = nullptr;
    TableLists lists_;
    DigestTerms terms_;
    Bytes body_;
    uint32_t count_ = 0;
    std::vector<std::string> touched_;
    std::vector<std::pair<int, std::string>> inserted_;
};

}  // namespace

Result<Captured> capture(const sqlite::Recorder& recorder, const std::string& stamp, CaptureTarget target) {
    Capture work(stamp, target);
    for (size_t i = 0; i < target.schema.tables.size(); i++) {
        const auto& rows = recorder.rows(static_cast<int>(i));
        if (!rows.empty()) TRY(work.table(static_cast<int>(i), rows));
    }
    TRY(work.show_children());
    Captured out = work.finish();
    if (out.changes.size() > kMaxChangesBytes)
        return fail(ErrorKind::invalid_input, fmt::format("one transaction changes {} MiB, the limit is {}: split it",
                                                          out.changes.size() >> 20, kMaxChangesBytes >> 20));
    return out;
}

}  // namespace bae::sync
