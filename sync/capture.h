#pragma once
// Turns what the recorder saw of an own transaction into the changes that travel (changes.h), and brings the sparse
// registers, the digest and the list of lost writes up to date with it.
#include "sync/lost_writes.h"
#include "sync/row_store.h"
#include "sync/sqlite/recorder.h"

namespace bae::sync {

struct CaptureTarget {
    sqlite::Connection& connection;
    const Schema& schema;
    RowStore& rows;
    LostWrites& lost;
    DigestSum& digest;
};

struct Captured {
    Bytes changes;                    // empty: nothing synced changed
    std::vector<std::string> tables;  // touched
};

Result<Captured> capture(const sqlite::Recorder& recorder, const std::string& stamp, CaptureTarget target);

}  // namespace bae::sync
