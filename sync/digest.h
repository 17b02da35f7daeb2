#pragma once
// The digest of the merged state: sum mod 2^128 of XXH3-128 (seed 0) of MessagePack
//   [table, id, R, alive]                   per row that was inserted or deleted
//   [table, id, column, stamp, value]       per register; a DEFAULT value at stamp R is left out
// hidden rows too; `_updated_at` counts as a register where it is later than R. Kept incrementally: terms are added and
// subtracted. It finds bugs, not attackers.
#include <string_view>

#include "sync/database.h"

namespace bae::sync {

class DigestSum {
  public:
    DigestSum() = default;
    explicit DigestSum(const Digest& digest);
    Digest digest() const;  // big-endian

    struct Term {
        uint64_t high = 0, low = 0;
    };
    void add(const Term& term);
    void subtract(const Term& term);

  private:
    Term sum_;
};

// Terms of one row after another; keeps its buffer.
class DigestTerms {
  public:
    void set_row(std::string_view table, std::string_view id);
    DigestSum::Term row(std::string_view row_stamp, bool alive);
    DigestSum::Term value(std::string_view column, std::string_view stamp, ByteView packed_value);

  private:
    Bytes buffer_;
    size_t prefix_ = 0;
};

}  // namespace bae::sync
