-- What replication keeps: the library this home belongs to, what was read of others, what each carrier has. All of it is local.
-- Object and key material lies in the mirror; no secret is here.

CREATE TABLE sync_library (             -- one row
    one INTEGER PRIMARY KEY CHECK (one = 1),
    id BLOB NOT NULL,
    founding BLOB NOT NULL,             -- plaintext of library.bae
    certificate BLOB NOT NULL,          -- of this device
    sealed_number INTEGER NOT NULL,     -- the end of the own stream
    sealed_hash BLOB NOT NULL,
    head_counter INTEGER NOT NULL       -- of the newest head composed; taken before the head is sent, so no counter names two heads
) STRICT;

CREATE TABLE sync_entries (             -- verified membership entries
    position INTEGER PRIMARY KEY,       -- each comes after all it has read
    hash BLOB NOT NULL UNIQUE,
    device BLOB NOT NULL,
    body BLOB NOT NULL                  -- MessagePack as in membership_entry.h
) STRICT;

CREATE TABLE sync_objects (             -- applied and own objects: what heads' claims are compared with
    device BLOB NOT NULL,
    number INTEGER NOT NULL,
    hash BLOB NOT NULL,
    PRIMARY KEY (device, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE sync_unchecked (           -- mirror objects written without fsync: read again later, and fetched again if they differ
    device BLOB NOT NULL,
    number INTEGER NOT NULL,
    written_ms INTEGER NOT NULL,
    PRIMARY KEY (device, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE sync_heads (               -- the newest head seen of each device, whatever the carrier
    device BLOB PRIMARY KEY NOT NULL,
    hash BLOB NOT NULL,                 -- of the object
    body BLOB NOT NULL                  -- MessagePack as in head.h
) STRICT, WITHOUT ROWID;

CREATE TABLE sync_carriers (
    name TEXT PRIMARY KEY NOT NULL,
    head_counter INTEGER NOT NULL,      -- of the own head there, 0: none
    head_size INTEGER NOT NULL,
    head_put_ms INTEGER NOT NULL,       -- by the carrier's clock
    head BLOB NOT NULL                  -- plaintext of it, empty: none
) STRICT, WITHOUT ROWID;

CREATE TABLE sync_carrier_heads (       -- what LIST said when the head was fetched: equal means there is nothing to fetch
    carrier TEXT NOT NULL,
    device BLOB NOT NULL,
    version TEXT NOT NULL,              -- empty: not known; of others: the answer may have been an older version
    fetched_ms INTEGER NOT NULL,
    confirmed INTEGER NOT NULL,         -- fetched a second time, later: the first answer may have been an older version
    PRIMARY KEY (carrier, device)
) STRICT, WITHOUT ROWID;

CREATE TABLE sync_outgoing (            -- mirror objects that a carrier lacks
    carrier TEXT NOT NULL,
    rank INTEGER NOT NULL,              -- order of sending: what others need to read the rest comes first
    path TEXT NOT NULL,
    PRIMARY KEY (carrier, rank, path)
) STRICT, WITHOUT ROWID;

CREATE TABLE sync_holds (
    subject TEXT PRIMARY KEY NOT NULL,
    reason TEXT NOT NULL,
    message TEXT NOT NULL,
    since_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sync_alarms (
    subject TEXT NOT NULL,
    reason TEXT NOT NULL,
    message TEXT NOT NULL,
    since_ms INTEGER NOT NULL,
    PRIMARY KEY (subject, reason)
) STRICT, WITHOUT ROWID;
