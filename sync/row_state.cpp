#include "sync/row_state.h"

#include <algorithm>

#include "sync/changes.h"

namespace bae::sync {

namespace {

const SyncedColumn* column_of(const SyncedTable* table, std::string_view name) {
    return table ? table->find(name) : nullptr;
}

bool is_default(const SyncedTable* table, std::string_view column, ByteView value) {
    const SyncedColumn* known = column_of(table, column);
    return known ? known->parent < 0 && equal(known->default_value, value) : false;
}

// Order of values at equal stamps (two copies of one installation): what was left out is the DEFAULT and the least,
// others by their bytes. It must not depend on what this schema knows.
bool greater(ByteView a, ByteView b) {
    if (a.empty() || b.empty()) return !a.empty();
    return std::ranges::lexicographical_compare(b, a);
}

bool wins(const Register& challenger, const Register& holder) {
    if (challenger.stamp != holder.stamp) return challenger.stamp > holder.stamp;
    return greater(challenger.value, holder.value);
}

void join_base_at_equal_stamp(RowState& into, const RowState& other) {
    for (const auto& [column, value] : other.base) {
        Bytes& mine = into.base[column];
        if (greater(value, mine)) mine = value;
    }
}

void join_existence(RowState& into, const RowState& other) {
    if (other.existence == Existence::unborn) return;
    const bool same = into.existence != Existence::unborn && other.row_stamp == into.row_stamp;
    const bool both_alive = other.existence == Existence::alive && into.existence == Existence::alive;
    bool newer = other.row_stamp > into.row_stamp || into.existence == Existence::unborn;
    if (same && !both_alive) newer = other.existence == Existence::dead;
    if (newer) {
        into.row_stamp = other.row_stamp;
        into.existence = other.existence;
        into.base = other.base;
    } else if (same) {
        join_base_at_equal_stamp(into, other);
    }
}

// Registers not later than R say nothing; at R itself (copies of one installation) the greater value is the row's.
void drop_covered(RowState& row) {
    if (row.existence == Existence::unborn) return;
    for (auto it = row.cells.begin(); it != row.cells.end();) {
        if (it->second.stamp > row.row_stamp) {
            ++it;
            continue;
        }
        const auto base = row.base.find(it->first);
        const ByteView old = base == row.base.end() ? ByteView() : ByteView(base->second);
        if (it->second.stamp == row.row_stamp && row.existence == Existence::alive && greater(it->second.value, old))
            row.base[it->first] = it->second.value;
        it = row.cells.erase(it);
    }
}

}  // namespace

ByteView RowState::value(const SyncedColumn& column) const {
    if (const auto cell = cells.find(column.name); cell != cells.end()) return cell->second.value;
    if (const auto found = base.find(column.name); found != base.end()) return found->second;
    return column.default_value;
}

const std::string& RowState::stamp_of(std::string_view column) const {
    const auto cell = cells.find(column);
    return cell != cells.end() ? cell->second.stamp : row_stamp;
}

void join(RowState& into, const RowState& other, const SyncedTable* table) {
    join_existence(into, other);
    for (const auto& [column, cell] : other.cells) {
        const auto mine = into.cells.find(column);
        if (mine == into.cells.end())
            into.cells.emplace(column, cell);
        else if (wins(cell, mine->second))
            mine->second = cell;
    }
    drop_covered(into);
    into.updated_at = std::max(into.updated_at, other.updated_at);
    if (into.existence != Existence::unborn) into.updated_at = std::max(into.updated_at, into.row_stamp);
    if (into.existence != Existence::alive) into.base.clear();
    std::erase_if(into.base, [&](const auto& item) {
        return into.cells.contains(item.first) || is_default(table, item.first, item.second);
    });
}

template <class Each>
static void digest_terms(DigestTerms& terms, std::string_view table, std::string_view id, const RowState& row,
                         Each&& each) {
    terms.set_row(table, id);
    if (row.existence != Existence::unborn) each(terms.row(row.row_stamp, row.existence == Existence::alive));
    for (const auto& [column, value] : row.base) each(terms.value(column, row.row_stamp, value));
    for (const auto& [column, cell] : row.cells) each(terms.value(column, cell.stamp, cell.value));
    if (row.updated_at > row.row_stamp)
        each(terms.value("_updated_at", row.updated_at, packed(ValueView::of(row.updated_at))));
}

void add_to_digest(DigestSum& sum, DigestTerms& terms, std::string_view table, std::string_view id,
                   const RowState& row) {
    digest_terms(terms, table, id, row, [&](const DigestSum::Term& term) { sum.add(term); });
}

void subtract_from_digest(DigestSum& sum, DigestTerms& terms, std::string_view table, std::string_view id,
                          const RowState& row) {
    digest_terms(terms, table, id, row, [&](const DigestSum::Term& term) { sum.subtract(term); });
}

Bytes pack_base(const RowState& row) {
    Bytes out;
    Packer packer(out);
    packer.array(static_cast<uint32_t>(row.base.size()));
    for (const auto& [column, value] : row.base) {
        packer.array(2);
        packer.text(column);
        packer.raw(value);
    }
    return out;
}

Bytes pack_cells(const RowState& row) {
    Bytes out;
    Packer packer(out);
    packer.array(static_cast<uint32_t>(row.cells.size()));
    for (const auto& [column, cell] : row.cells) {
        packer.array(3);
        packer.text(column);
        packer.text(cell.stamp);
        packer.raw(cell.value);
    }
    return out;
}

static Result<Bytes> raw_value(Unpacker& in) {
    const size_t from = in.position();
    TRY(unpack_value(in));
    return to_bytes(in.input().subspan(from, in.position() - from));
}

Result<void> unpack_base(ByteView bytes, RowState& row) {
    Unpacker in(bytes);
    const uint32_t count = TRY(in.array(UINT32_MAX));
    for (uint32_t i = 0; i < count; i++) {
        TRY(in.array_exact(2));
        const std::string column(TRY(in.text(kMaxNameBytes)));
        row.base[column] = TRY(raw_value(in));
    }
    return in.finish();
}

Result<void> unpack_cells(ByteView bytes, RowState& row) {
    Unpacker in(bytes);
    const uint32_t count = TRY(in.array(UINT32_MAX));
    for (uint32_t i = 0; i < count; i++) {
        TRY(in.array_exact(3));
        const std::string column(TRY(in.text(kMaxNameBytes)));
        const std::string stamp(TRY(in.text(kStampLength)));
        row.cells[column] = {stamp, TRY(raw_value(in))};
    }
    return in.finish();
}

static size_t big_endian(ByteView bytes, size_t width) {
    size_t value = 0;
    for (size_t i = 1; i <= width; i++) value = value << 8 | std::to_integer<size_t>(bytes[i]);
    return value;
}

size_t packed_length(ByteView bytes) {
    const auto lead = std::to_integer<unsigned>(bytes[0]);
    if (lead < 0x80 || lead >= 0xe0 || lead == 0xc0 || lead == 0xc2) return 1;
    if ((lead & 0xe0) == 0xa0) return 1 + (lead & 31);
    switch (lead) {
        case 0xcc:
        case 0xd0:
            return 2;
        case 0xcd:
        case 0xd1:
            return 3;
        case 0xce:
        case 0xd2:
            return 5;
        case 0xcb:
        case 0xcf:
        case 0xd3:
            return 9;
        case 0xc4:
        case 0xd9:
            return 2 + big_endian(bytes, 1);
        case 0xc5:
        case 0xda:
            return 3 + big_endian(bytes, 2);
        case 0xc6:
        case 0xdb:
            return 5 + big_endian(bytes, 4);
        default:
            CHECK(false && "a value this module packed");
            return 0;
    }
}

}  // namespace bae::sync
