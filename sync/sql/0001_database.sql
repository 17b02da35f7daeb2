-- What this module keeps beside the application's tables. All of it is local: nothing here is captured or sent.

CREATE TABLE sync_meta (
    key TEXT PRIMARY KEY NOT NULL,      -- last_stamp, digest, schema, device
    value ANY
) STRICT, WITHOUT ROWID;

-- Own transactions until the carrier has confirmed the object they travel in.
CREATE TABLE sync_outbox (
    position INTEGER PRIMARY KEY,       -- commit order
    stamp TEXT NOT NULL,
    seen BLOB NOT NULL,                 -- what the author had seen, as a difference to its transaction before (seen.h)
    changes BLOB NOT NULL,              -- changes.h
    message TEXT NOT NULL,              -- for people
    object_number INTEGER,              -- of the sealed object it is part of
    object_hash BLOB
) STRICT;
CREATE INDEX sync_outbox_by_object ON sync_outbox (object_number);

-- How far every other device's stream is applied.
CREATE TABLE sync_streams (
    device TEXT PRIMARY KEY NOT NULL,
    number INTEGER NOT NULL,
    hash BLOB NOT NULL,
    last_stamp TEXT,                    -- of the newest transaction applied from it
    seen BLOB NOT NULL                  -- what its author had seen at that transaction, whole
) STRICT, WITHOUT ROWID;

-- The greatest stamp per device applied here, or seen by the author of something applied here.
CREATE TABLE sync_seen (
    device TEXT PRIMARY KEY NOT NULL,
    stamp TEXT NOT NULL,
    told TEXT                           -- what our newest transaction said of it; differs: goes with the next one
) STRICT, WITHOUT ROWID;

-- What the author of each transaction had seen: judges whether a write was lost.
CREATE TABLE sync_vectors (
    stamp TEXT PRIMARY KEY NOT NULL,
    seen BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Sparse registers. The row stamp R of a visible row is its _updated_at unless it stands here.
CREATE TABLE sync_row_stamps (
    tbl TEXT NOT NULL, id TEXT NOT NULL,
    stamp TEXT NOT NULL,
    PRIMARY KEY (tbl, id)
) STRICT, WITHOUT ROWID;

-- Columns of visible rows that were written later than R.
CREATE TABLE sync_cell_stamps (
    tbl TEXT NOT NULL, id TEXT NOT NULL, col TEXT NOT NULL,
    stamp TEXT NOT NULL,
    PRIMARY KEY (tbl, id, col)
) STRICT, WITHOUT ROWID;

-- Columns of visible rows that this schema does not know: shown after the upgrade that brings them.
CREATE TABLE sync_unknown_cells (
    tbl TEXT NOT NULL, id TEXT NOT NULL, col TEXT NOT NULL,
    stamp TEXT NOT NULL,
    value BLOB NOT NULL,                -- MessagePack
    PRIMARY KEY (tbl, id, col)
) STRICT, WITHOUT ROWID;

-- Rows that are not in their table: dead, parked (a row they belong to is not there), unborn (updated before their
-- INSERT came), or of a table this schema does not know.
CREATE TABLE sync_hidden (
    tbl TEXT NOT NULL, id TEXT NOT NULL,
    row_stamp TEXT NOT NULL,            -- R, empty if unborn
    existence INTEGER NOT NULL,         -- 0 unborn, 1 alive, 2 dead
    updated_at TEXT NOT NULL,
    base BLOB NOT NULL,                 -- MessagePack [[column, value]...], values at R, DEFAULTs left out
    cells BLOB NOT NULL,                -- MessagePack [[column, stamp, value]...], registers later than R
    PRIMARY KEY (tbl, id)
) STRICT, WITHOUT ROWID;

-- The parents an alive hidden row has; finds the children that a row shows when it appears.
CREATE TABLE sync_parked (
    parent_tbl TEXT NOT NULL, parent_id TEXT NOT NULL,
    tbl TEXT NOT NULL, id TEXT NOT NULL,
    PRIMARY KEY (parent_tbl, parent_id, tbl, id)
) STRICT, WITHOUT ROWID;

-- What rows held when they were deleted here: to insert one again that others' rows belong to. A tombstone keeps no value.
CREATE TABLE sync_graves (
    tbl TEXT NOT NULL, id TEXT NOT NULL,
    stamp TEXT NOT NULL,                -- of its last edit
    columns BLOB NOT NULL,              -- MessagePack [[column, value]...]
    PRIMARY KEY (tbl, id)
) STRICT, WITHOUT ROWID;

-- Writes that were replaced and that no later write of the cell had seen. Shown as conflicts where the value differs.
CREATE TABLE sync_lost_writes (
    tbl TEXT NOT NULL, id TEXT NOT NULL,
    stamp TEXT NOT NULL,
    kind TEXT NOT NULL,                 -- I, U, or D (which only judges others)
    columns BLOB NOT NULL,              -- MessagePack [[column, value]...] that no later write has seen yet
    PRIMARY KEY (tbl, id, stamp)
) STRICT, WITHOUT ROWID;
