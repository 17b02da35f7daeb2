#pragma once
// The merged state of one row, and how two states join (section 3 of the sync protocol; sync/README.md). The join of
// maxima is commutative, associative and idempotent: any order, any repetition, the same state.
#include <map>
#include <string>

#include "sync/digest.h"
#include "sync/schema.h"

namespace bae::sync {

enum class Existence { unborn = 0, alive = 1, dead = 2 };

struct Register {
    std::string stamp;
    Bytes value;  // MessagePack
    bool operator==(const Register&) const = default;
};

struct RowState {
    std::string row_stamp;  // R: the greatest stamp of an INSERT or DELETE; empty while unborn
    Existence existence = Existence::unborn;
    std::string updated_at;  // a register whose value is its stamp
    std::map<std::string, Bytes, std::less<>>
        base;  // values at R of columns without a later register; DEFAULTs left out
    std::map<std::string, Register, std::less<>> cells;  // registers later than R
    bool operator==(const RowState&) const = default;

    // MessagePack of the column's value; the DEFAULT of `column` if nothing was written.
    ByteView value(const SyncedColumn& column) const;
    // Stamp of the write that gave the column its value: a cell's, or R.
    const std::string& stamp_of(std::string_view column) const;
};

// `table` is null for a table this schema does not know.
void join(RowState& into, const RowState& other, const SyncedTable* table);

void add_to_digest(DigestSum& sum, DigestTerms& terms, std::string_view table, std::string_view id,
                   const RowState& row);
void subtract_from_digest(DigestSum& sum, DigestTerms& terms, std::string_view table, std::string_view id,
                          const RowState& row);

// The two maps as they are stored: [[column, value]...] and [[column, stamp, value]...].
Bytes pack_base(const RowState& row);
Bytes pack_cells(const RowState& row);
Result<void> unpack_base(ByteView bytes, RowState& row);
Result<void> unpack_cells(ByteView bytes, RowState& row);

// Length of the MessagePack value (no list) that starts here; the bytes are our own.
size_t packed_length(ByteView bytes);

}  // namespace bae::sync
