-- Local: where this device syncs to, and what it knows to lie there.

CREATE TABLE carriers (
    url TEXT PRIMARY KEY NOT NULL,     -- without credentials; names the carrier in holds too
    current INTEGER NOT NULL,          -- 1: `bae sync` uses it; at most one
    used_since_ms INTEGER NOT NULL
) WITHOUT ROWID;

-- An idle sync must cost one request, so what lies on a carrier is remembered. A row that names other bytes or another key
-- than release_files or library_images says now is of no use and is replaced.
CREATE TABLE carried_blobs (
    carrier TEXT NOT NULL,             -- its url
    owner_id TEXT NOT NULL,            -- release_files or library_images
    file_hash BLOB NOT NULL,
    key_epoch TEXT NOT NULL,
    PRIMARY KEY (carrier, owner_id)
) WITHOUT ROWID;
