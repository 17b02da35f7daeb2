#pragma once
// Joins the transactions of other devices into the state, row by row. A row nobody had goes straight into its table;
// all else takes the way of load, judge, join, store.
#include "sync/lost_writes.h"
#include "sync/row_store.h"

namespace bae::sync {

class Merger {
  public:
    Merger(const Schema& schema, RowStore& rows, LostWrites& lost, DigestSum& digest);
    ~Merger();

    // `changes` must be well-formed (check_changes); `seen` is what its author had seen, whole.
    Result<void> apply(const std::string& stamp, ByteView changes, const SeenVector& seen);
    uint64_t rows_applied() const;
    std::vector<std::string> tables() const;  // touched

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace bae::sync
