#pragma once
// Where row states rest: visible rows in their tables, everything else of them in the sparse entries of
// sql/0001_database.sql. Keeps visibility: a row is in its table exactly if it is alive, fits the table's types, and
// every row it belongs to is in its table. Used inside a write transaction by one thread.
#include <memory>

#include "sync/row_state.h"

namespace bae::sync {

class RowStore {
  public:
    RowStore(sqlite::Connection& connection, const Schema& schema);
    ~RowStore();

    // To be called when a transaction begins: forgets what other processes may have changed.
    Result<void> begin();

    Result<RowState> load(std::string_view table, std::string_view id);
    // Replaces the row's state and shows or hides what follows from it.
    Result<void> store(std::string_view table, std::string_view id, const RowState& row);

    // A row nobody had, in its table at once: false if it exists in any form, misses a parent or does not fit, and then
    // nothing is changed. `values` has one entry per column of the table, DEFAULTs filled in.
    Result<bool> insert_new(int table, std::string_view id, std::string_view stamp, std::span<const ValueView> values);
    // Shows the alive rows that were waiting for this one.
    Result<void> show_children(int table, std::string_view id);

    bool has_hidden(int table) const;  // may any row of it be hidden?
    // Completes the state of a visible row whose `base` holds all its values and whose `updated_at` is set: R, the
    // columns later than R, and the columns this schema does not know.
    Result<void> add_entries(int table, std::string_view id, RowState& row);
    // A visible row that this transaction deleted from its table: leaves its tombstone.
    Result<void> bury(int table, std::string_view id, const RowState& dead);
    // The row's state outside its table, if it has one there.
    Result<std::optional<RowState>> load_hidden(std::string_view table, std::string_view id);
    // Keeps what a row held when it is deleted, for people who want it back; forgets it when the row is there again.
    Result<void> keep_grave(std::string_view table, std::string_view id, const RowState& before);
    Result<void> drop_grave(std::string_view table, std::string_view id);
    Result<void> forget_hidden(std::string_view table, std::string_view id);
    bool any_parked() const;

    // Every row of every table, visible and hidden, with its state.
    using EachRow = std::function<Result<void>(std::string_view table, std::string_view id, const RowState& row)>;
    Result<void> each(const EachRow& row);
    // After an upgrade: puts rows and columns where the present schema knows them.
    Result<void> settle_all();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace bae::sync
