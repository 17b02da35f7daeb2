#pragma once
// Captures the net change of a transaction, per row, on SQLite's preupdate hook: the first touch of a row keeps its old
// values, the last its new ones. The session extension stands on the same hook; this recorder keeps what merging needs
// and encodes values once, which is why it is used in its place (a test holds it against sqlite3session).
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sync/schema.h"

struct sqlite3_value;

namespace bae::sync::sqlite {

struct RecordedRow {
    std::string_view id;
    bool before = false;              // existed when the transaction began
    bool after = false;               // exists now
    bool stamped = false;             // its `_updated_at` is the transaction's stamp
    bool old_stamp_kept = false;      // its `_updated_at` is what it was
    std::string_view old_updated_at;  // if `before`
    ByteView old_values, new_values;  // MessagePack, one per column in the table's order; of `before` and `after`
};

class Recorder {
  public:
    // Installs the hooks; must be done before any statement is prepared, because a plan made without the hook may
    // delete rows unseen. The connection must outlive the recorder.
    explicit Recorder(Connection& connection);
    ~Recorder();
    Recorder(const Recorder&) = delete;
    Recorder& operator=(const Recorder&) = delete;

    void begin(const Schema& schema, std::string stamp);
    // Ends the capture. Rows are read again where SQLite took changes back without telling the hook (a failed
    // statement, ROLLBACK TO). While it records, COMMIT is turned into a rollback. invalid_input if a row broke a rule
    // (an UPDATE of `id`, a REPLACE, a missing stamp).
    Result<void> end();
    // Of one table (index into the schema), in the order of first touch; valid until the next begin. Rows may be
    // without any net change.
    const std::vector<RecordedRow>& rows(int table) const;
    bool empty() const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace bae::sync::sqlite
