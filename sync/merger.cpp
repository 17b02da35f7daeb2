#include "sync/merger.h"

#include <algorithm>
#include <set>

#include "sync/changes.h"
#include "sync/sql_value.h"

namespace bae::sync {

struct Merger::State : ChangeVisitor {
    const Schema& schema;
    RowStore& rows;
    LostWrites& lost;
    DigestSum& digest;
    DigestTerms terms;
    uint64_t applied = 0;
    std::set<std::string, std::less<>> touched;

    // of the transaction at hand
    const std::string* stamp = nullptr;
    const SeenVector* seen = nullptr;
    // of its table at hand
    std::string name;
    std::vector<std::string> columns;
    int index = -1;  // in the schema, -1 if unknown
    bool all_known = false;
    std::vector<int> slots;           // author's column -> ours, or -1
    std::vector<ValueView> defaults;  // ours
    std::vector<ValueView> values;    // a row of ours
    Bytes scratch;

    State(const Schema& s, RowStore& r, LostWrites& l, DigestSum& d) : schema(s), rows(r), lost(l), digest(d) {}

    Result<void> table(const TableHeader& header) override {
        name = header.name;
        touched.insert(name);
        columns.assign(header.columns.begin(), header.columns.end());
        index = schema.find(name);
        all_known = index >= 0;
        slots.assign(columns.size(), -1);
        defaults.clear();
        if (index < 0) return {};
        const SyncedTable& t = schema.tables[static_cast<size_t>(index)];
        for (const SyncedColumn& column : t.columns) defaults.push_back(unpacked(column.default_value));
        for (size_t i = 0; i < columns.size(); i++) {
            const auto found = std::ranges::find(t.columns, columns[i], &SyncedColumn::name);
            if (found == t.columns.end())
                all_known = false;
            else
                slots[i] = static_cast<int>(found - t.columns.begin());
        }
        return {};
    }

    Result<void> insert(std::string_view id, std::span<const ValueView> given) override {
        applied++;
        if (all_known && TRY(insert_new(id, given))) return {};
        RowState change;
        change.existence = Existence::alive;
        change.row_stamp = change.updated_at = *stamp;
        RowWrite write{WriteKind::insert, *stamp, {}};
        for (size_t i = 0; i < given.size(); i++)
            if (given[i].type != ValueView::Type::unset) change.base[columns[i]] = packed(given[i]);
        write.columns = change.base;
        return merge(id, change, write);
    }

    bool is_default(size_t slot, const ValueView& value) const {
        const SyncedColumn& column = schema.tables[static_cast<size_t>(index)].columns[slot];
        return value.type == ValueView::Type::unset || (column.parent < 0 && value == defaults[slot]);
    }

    // The usual case: a row that is new here and may be shown.
    Result<bool> insert_new(std::string_view id, std::span<const ValueView> given) {
        values = defaults;
        for (size_t i = 0; i < given.size(); i++)
            if (given[i].type != ValueView::Type::unset) values[static_cast<size_t>(slots[i])] = given[i];
        if (!TRY(rows.insert_new(index, id, *stamp, values))) return false;
        terms.set_row(name, id);
        digest.add(terms.row(*stamp, true));
        for (size_t i = 0; i < given.size(); i++) {
            if (is_default(static_cast<size_t>(slots[i]), given[i])) continue;
            scratch.clear();
            Packer packer(scratch);
            pack_value(packer, given[i]);
            digest.add(terms.value(columns[i], *stamp, scratch));
        }
        return true;
    }

    Result<void> update(std::string_view id, std::span<const ColumnChange> given) override {
        applied++;
        RowState change;
        change.updated_at = *stamp;
        RowWrite write{WriteKind::update, *stamp, {}};
        for (const ColumnChange& c : given) {
            Bytes value = packed(c.value);
            change.cells[columns[c.column]] = {*stamp, value};
            write.columns[columns[c.column]] = std::move(value);
        }
        return merge(id, change, write);
    }

    Result<void> remove(std::string_view id) override {
        applied++;
        RowState change;
        change.existence = Existence::dead;
        change.row_stamp = *stamp;
        return merge(id, change, {WriteKind::remove, *stamp, {}});
    }

    Result<void> merge(std::string_view id, const RowState& change, const RowWrite& write) {
        const RowState before = TRY(rows.load(name, id));
        TRY(lost.judge(name, id, before, write, *seen));
        RowState after = before;
        join(after, change, index < 0 ? nullptr : &schema.tables[static_cast<size_t>(index)]);
        if (after == before) return {};
        subtract_from_digest(digest, terms, name, id, before);
        add_to_digest(digest, terms, name, id, after);
        if (before.existence == Existence::alive && after.existence == Existence::dead)
            TRY(rows.keep_grave(name, id, before));
        else if (before.existence == Existence::dead && after.existence == Existence::alive)
            TRY(rows.drop_grave(name, id));
        return rows.store(name, id, after);
    }
};

Merger::Merger(const Schema& schema, RowStore& rows, LostWrites& lost, DigestSum& digest)
    : state_(std::make_unique<State>(schema, rows, lost, digest)) {}
Merger::~Merger() = default;

Result<void> Merger::apply(const std::string& stamp, ByteView changes, const SeenVector& seen) {
    state_->stamp = &stamp;
    state_->seen = &seen;
    return read_changes(changes, *state_);
}

uint64_t Merger::rows_applied() const { return state_->applied; }
std::vector<std::string> Merger::tables() const { return {state_->touched.begin(), state_->touched.end()}; }

}  // namespace bae::sync
