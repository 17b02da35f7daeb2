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

-- Blobs to look after: files to send, pictures to send or fetch. Filled by triggers, so that a sync with nothing to do reads an
-- empty table instead of the library. (Not INSERT OR IGNORE: the conflict clause of the statement that fires a trigger, also an
-- upsert's, replaces the one inside.)
CREATE TABLE blob_queue (
    owner_id TEXT PRIMARY KEY NOT NULL, -- release_files or library_images
    kind TEXT NOT NULL                 -- file or image
) WITHOUT ROWID;

CREATE TRIGGER local_files_added AFTER INSERT ON local_files WHEN new.state = 'present' BEGIN
    INSERT INTO blob_queue (owner_id, kind) SELECT new.file_id, 'file' WHERE NOT EXISTS (SELECT 1 FROM blob_queue WHERE owner_id = new.file_id);
END;
CREATE TRIGGER local_files_changed AFTER UPDATE OF file_id, file_hash, state ON local_files WHEN new.state = 'present' BEGIN
    INSERT INTO blob_queue (owner_id, kind) SELECT new.file_id, 'file' WHERE NOT EXISTS (SELECT 1 FROM blob_queue WHERE owner_id = new.file_id);
END;
-- The key of a blob comes from its release: what was sent for another one is of no use.
CREATE TRIGGER release_files_moved AFTER UPDATE OF release_id ON release_files WHEN new.release_id <> old.release_id BEGIN
    DELETE FROM carried_blobs WHERE owner_id = new.id;
    INSERT INTO blob_queue (owner_id, kind) SELECT new.id, 'file' WHERE NOT EXISTS (SELECT 1 FROM blob_queue WHERE owner_id = new.id);
END;
CREATE TRIGGER library_images_added AFTER INSERT ON library_images BEGIN
    INSERT INTO blob_queue (owner_id, kind) SELECT new.id, 'image' WHERE NOT EXISTS (SELECT 1 FROM blob_queue WHERE owner_id = new.id);
END;
CREATE TRIGGER library_images_changed AFTER UPDATE OF file_hash, key_epoch ON library_images BEGIN
    INSERT INTO blob_queue (owner_id, kind) SELECT new.id, 'image' WHERE NOT EXISTS (SELECT 1 FROM blob_queue WHERE owner_id = new.id);
END;
