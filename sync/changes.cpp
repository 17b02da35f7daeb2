#include "sync/changes.h"

#include <algorithm>
#include <unordered_set>

namespace bae::sync {

namespace {

tl::unexpected<Error> corrupt(std::string what) { return fail(ErrorKind::corrupt, "changes: " + std::move(what)); }

Result<std::string_view> read_id(Unpacker& in) {
    const std::string_view id = TRY(in.text(kMaxIdBytes));
    if (!is_row_id(id)) return corrupt("a row id that is not of digits, lower-case letters and hyphens");
    return id;
}

class Reader {
  public:
    Reader(ByteView changes, ChangeVisitor& visitor) : in_(changes), visitor_(visitor) {}

    Result<void> run() {
        const uint32_t tables = TRY(in_.array(kMaxTables));
        for (uint32_t i = 0; i < tables; i++) TRY(table());
        return in_.finish();
    }

  private:
    Result<void> table() {
        TRY(in_.array_exact(5));
        TRY(header());
        const uint32_t inserts = TRY(in_.array(UINT32_MAX));
        for (uint32_t i = 0; i < inserts; i++) TRY(insert());
        const uint32_t updates = TRY(in_.array(UINT32_MAX));
        for (uint32_t i = 0; i < updates; i++) TRY(update());
        const uint32_t removals = TRY(in_.array(UINT32_MAX));
        for (uint32_t i = 0; i < removals; i++) TRY(visitor_.remove(TRY(read_id(in_))));
        if (inserts + updates + removals == 0) return corrupt("a table without a change");
        return {};
    }

    Result<void> header() {
        header_.name = TRY(in_.text(kMaxNameBytes));
        if (header_.name.empty() || !names_.insert(header_.name).second)
            return corrupt("a table without a name, or named twice");
        const uint32_t columns = TRY(in_.array(kMaxColumns));
        header_.columns.clear();
        for (uint32_t i = 0; i < columns; i++) {
            const std::string_view column = TRY(in_.text(kMaxNameBytes));
            if (column.empty() || column == "id" || column == "_updated_at" ||
                std::ranges::count(header_.columns, column) != 0)
                return corrupt("a column that may not be named, or is named twice");
            header_.columns.push_back(column);
        }
        values_.resize(columns);
        return visitor_.table(header_);
    }

    Result<void> insert() {
        TRY(in_.array_exact(static_cast<uint32_t>(values_.size() + 1)));
        const std::string_view id = TRY(read_id(in_));
        for (ValueView& value : values_) value = TRY(unpack_value(in_));
        return visitor_.insert(id, values_);
    }

    Result<void> update() {
        const uint32_t items = TRY(in_.array(2 * kMaxColumns + 1));
        if (items % 2 == 0) return corrupt("an update with a column but no value");
        const std::string_view id = TRY(read_id(in_));
        changed_.clear();
        for (uint32_t i = 1; i < items; i += 2) {
            const auto column = static_cast<uint32_t>(TRY(in_.uint(values_.empty() ? 0 : values_.size() - 1)));
            if (values_.empty() || (!changed_.empty() && column <= changed_.back().column))
                return corrupt("columns of an update out of order");
            changed_.push_back({column, TRY(unpack_value(in_))});
            if (changed_.back().value.type == ValueView::Type::unset) return corrupt("an update without a value");
        }
        return visitor_.update(id, changed_);
    }

    Unpacker in_;
    ChangeVisitor& visitor_;
    TableHeader header_;
    std::unordered_set<std::string_view> names_;
    std::vector<ValueView> values_;
    std::vector<ColumnChange> changed_;
};

class RowsOnce : public ChangeVisitor {
  public:
    Result<void> table(const TableHeader&) override { return ids_.clear(), Result<void>(); }
    Result<void> insert(std::string_view id, std::span<const ValueView>) override { return once(id); }
    Result<void> update(std::string_view id, std::span<const ColumnChange>) override { return once(id); }
    Result<void> remove(std::string_view id) override { return once(id); }

  private:
    Result<void> once(std::string_view id) {
        if (!ids_.insert(id).second) return corrupt("a row that changes twice");
        return {};
    }
    std::unordered_set<std::string_view> ids_;
};

}  // namespace

bool is_row_id(std::string_view id) {
    const auto allowed = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-'; };
    return !id.empty() && id.size() <= kMaxIdBytes && std::ranges::all_of(id, allowed);
}

Result<void> read_changes(ByteView changes, ChangeVisitor& visitor) { return Reader(changes, visitor).run(); }

Result<void> check_changes(ByteView changes) {
    if (changes.size() > kMaxChangesBytes) return corrupt("longer than the format allows");
    RowsOnce rows;
    return read_changes(changes, rows);
}

}  // namespace bae::sync
