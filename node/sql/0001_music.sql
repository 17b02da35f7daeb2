-- The music schema. Rules for synced tables (those with _updated_at) are in sync/README.md: no UNIQUE, no CHECK, a foreign key
-- means "belongs to". Everything later is additive: a new table, or a new column at the end with a constant DEFAULT.
--
-- Conventions: NULL = nobody said; hashes are 32 raw bytes; times are milliseconds since 1970 UTC, lengths milliseconds;
-- dates are text as precise as known ("1997", "1997-06", "1997-06-16"); mbid = MusicBrainz id, 36 lower-case characters.
-- What a person hears as one thing is named by loose references (text ids without a constraint) where losing one side must
-- not delete the other.

-- --- artists and albums ----------------------------------------------------------------------------------------------

CREATE TABLE artists (
    id TEXT PRIMARY KEY NOT NULL,      -- v5 of the mbid, else of the normalised name: two devices that meet an artist add one row
    name TEXT NOT NULL,                -- as credited first
    sort_name TEXT,                    -- "Beatles, The"; NULL: as name
    mbid TEXT,                         -- MusicBrainz artist
    disambiguation TEXT,               -- tells two of the same name apart, for people
    _updated_at TEXT NOT NULL
);
CREATE INDEX artists_by_name ON artists (coalesce(sort_name, name) COLLATE NOCASE);

-- What people call "the album", whatever its editions: a MusicBrainz release group.
CREATE TABLE albums (
    id TEXT PRIMARY KEY NOT NULL,      -- v5 of the release group's mbid, else of normalised (artist credit, title)
    title TEXT NOT NULL,
    sort_title TEXT,                   -- NULL: as title
    artist_credit TEXT,                -- the words on the cover, so that lists need no join
    release_type TEXT,                 -- "album", "ep; live" ... as tagged, lower case
    original_date TEXT,                -- first release of any edition: lists by year mean this one
    is_compilation INTEGER NOT NULL DEFAULT 0, -- various artists
    mbid TEXT,                         -- MusicBrainz release group
    _updated_at TEXT NOT NULL
);
CREATE INDEX albums_by_title ON albums (coalesce(sort_title, title) COLLATE NOCASE);
CREATE INDEX albums_by_artist ON albums (artist_credit COLLATE NOCASE, original_date);

CREATE TABLE album_artists (
    id TEXT PRIMARY KEY NOT NULL,      -- v5 of (album, artist)
    album_id TEXT NOT NULL REFERENCES albums (id) ON DELETE CASCADE,
    artist_id TEXT NOT NULL REFERENCES artists (id) ON DELETE CASCADE,
    position INTEGER NOT NULL DEFAULT 0, -- order in the credit
    _updated_at TEXT NOT NULL
);
CREATE INDEX album_artists_by_album ON album_artists (album_id);
CREATE INDEX album_artists_by_artist ON album_artists (artist_id);

-- --- releases: one edition, one rip: the unit that is keyed, shared and fetched -----------------------------------------

CREATE TABLE releases (
    id TEXT PRIMARY KEY NOT NULL,      -- v5 of the content hash it was first imported with; part of the release key, never changes
    album_id TEXT NOT NULL REFERENCES albums (id) ON DELETE CASCADE,
    title TEXT,                        -- where this edition is called otherwise than the album
    date TEXT,                         -- of this edition
    label TEXT,
    catalog_number TEXT,
    barcode TEXT,
    country TEXT,                      -- ISO 3166 as MusicBrainz has it
    media TEXT,                        -- "CD", "Digital Media" ...
    status TEXT,                       -- "official", "bootleg" ...
    language TEXT,                     -- ISO 639-3
    script TEXT,                       -- ISO 15924
    disc_count INTEGER,                -- as tagged
    mbid TEXT,                         -- MusicBrainz release; other sources are in release_identities
    album_gain REAL,                   -- ReplayGain 2, dB
    album_peak REAL,                   -- 1.0 = full scale
    content_hash BLOB,                 -- of its audio files (SHA-256 of their sorted hashes): finds the same rip under any names
    audio_hash BLOB,                   -- the same of audio payloads, survives retagging; NULL until computed
    key_epoch TEXT,                    -- the library key its files are sealed with: a new one never changes old files
    blob_scheme INTEGER NOT NULL DEFAULT 1, -- how blobs are sealed
    public INTEGER NOT NULL DEFAULT 0, -- 1: its owner says it may be published; unknown is private
    added_ms INTEGER,                  -- "recently added"
    _updated_at TEXT NOT NULL
);
CREATE INDEX releases_by_album ON releases (album_id);
CREATE INDEX releases_by_content ON releases (content_hash);
CREATE INDEX releases_by_mbid ON releases (mbid) WHERE mbid IS NOT NULL;
CREATE INDEX releases_by_added ON releases (added_ms);

CREATE TABLE release_identities (
    id TEXT PRIMARY KEY NOT NULL,      -- v5 of (release, source, external_id)
    release_id TEXT NOT NULL REFERENCES releases (id) ON DELETE CASCADE,
    source TEXT NOT NULL,              -- "musicbrainz", "discogs", "amazon"
    external_id TEXT NOT NULL,         -- the release there
    group_id TEXT,                     -- its release group or master there
    _updated_at TEXT NOT NULL
);
CREATE INDEX release_identities_by_release ON release_identities (release_id);
CREATE INDEX release_identities_by_external ON release_identities (external_id, source);

-- A file of a release, wherever it lies. All that is needed to open its blob: hash, size, and the release's epoch and scheme.
CREATE TABLE release_files (
    id TEXT PRIMARY KEY NOT NULL,      -- v5 of (release, hash at first import, which of several equal ones)
    release_id TEXT NOT NULL REFERENCES releases (id) ON DELETE CASCADE,
    name TEXT NOT NULL,                -- file name for people and for `get`; text, bytes that are none replaced
    file_hash BLOB NOT NULL,           -- SHA-256 of the whole file
    size INTEGER NOT NULL,
    audio_hash BLOB,                   -- of the audio payload; NULL until computed
    _updated_at TEXT NOT NULL
);
CREATE INDEX release_files_by_release ON release_files (release_id);
CREATE INDEX release_files_by_hash ON release_files (file_hash);

-- What a player must know to read a file it does not have yet.
CREATE TABLE audio_formats (
    id TEXT PRIMARY KEY NOT NULL,      -- v5 of the file
    file_id TEXT NOT NULL REFERENCES release_files (id) ON DELETE CASCADE,
    codec TEXT NOT NULL,               -- flac, mp3, vorbis, opus, aac, alac, pcm
    container TEXT NOT NULL,           -- flac, mpeg, ogg, mp4, wav
    sample_rate INTEGER,               -- Hz
    bits_per_sample INTEGER,           -- NULL for lossy codecs
    channels INTEGER,
    bitrate INTEGER,                   -- kbit/s, mean
    length_ms INTEGER,
    audio_offset INTEGER,              -- FLAC: where frames begin
    seek_table BLOB,                   -- FLAC: MessagePack array of samples and offsets in turn, each the difference to the one before
    _updated_at TEXT NOT NULL
);
CREATE INDEX audio_formats_by_file ON audio_formats (file_id);

CREATE TABLE tracks (
    id TEXT PRIMARY KEY NOT NULL,      -- v5 of (file, which track in it)
    release_id TEXT NOT NULL REFERENCES releases (id) ON DELETE CASCADE,
    title TEXT NOT NULL,
    sort_title TEXT,                   -- NULL: as title
    artist_credit TEXT,                -- NULL: as the album's, which is most tracks
    disc INTEGER NOT NULL DEFAULT 1,
    disc_title TEXT,                   -- "Live at ..."; repeated on the disc's tracks as in files
    number INTEGER,                    -- position on the disc; NULL: unknown
    length_ms INTEGER,
    file_id TEXT,                      -- release_files; loose: a CUE sheet makes many tracks of one file, and a track may have none
    start_ms INTEGER,                  -- where it begins in its file, for CUE sheets; NULL: the whole file
    recording_mbid TEXT,               -- MusicBrainz recording: the same performance on other releases
    track_mbid TEXT,                   -- MusicBrainz track of this release
    isrc TEXT,
    track_gain REAL,                   -- ReplayGain 2, dB
    track_peak REAL,
    _updated_at TEXT NOT NULL
);
CREATE INDEX tracks_by_release ON tracks (release_id, disc, number);
CREATE INDEX tracks_by_file ON tracks (file_id);
CREATE INDEX tracks_by_title ON tracks (coalesce(sort_title, title) COLLATE NOCASE);

CREATE TABLE track_artists (
    id TEXT PRIMARY KEY NOT NULL,      -- v5 of (track, artist, role)
    track_id TEXT NOT NULL REFERENCES tracks (id) ON DELETE CASCADE,
    artist_id TEXT NOT NULL REFERENCES artists (id) ON DELETE CASCADE,
    role TEXT NOT NULL DEFAULT 'artist', -- artist, composer, conductor, remixer, lyricist
    position INTEGER NOT NULL DEFAULT 0, -- order in the credit
    _updated_at TEXT NOT NULL
);
CREATE INDEX track_artists_by_track ON track_artists (track_id);
CREATE INDEX track_artists_by_artist ON track_artists (artist_id);

-- Artwork. Bytes lie in artwork/ by hash and travel as blobs.
CREATE TABLE library_images (
    id TEXT PRIMARY KEY NOT NULL,      -- v5 of (owner, hash)
    owner_kind TEXT NOT NULL,          -- release or artist; loose, because it belongs to one or the other
    owner_id TEXT NOT NULL,            -- whose key seals it
    kind TEXT NOT NULL DEFAULT 'front', -- front, back, ... as in ID3v2 and FLAC
    file_hash BLOB NOT NULL,           -- SHA-256 of the picture
    size INTEGER NOT NULL,
    mime TEXT NOT NULL,
    width INTEGER,                     -- pixels, where the header tells
    height INTEGER,
    key_epoch TEXT,                    -- an artist has none of its own
    blob_scheme INTEGER NOT NULL DEFAULT 1,
    _updated_at TEXT NOT NULL
);
CREATE INDEX library_images_by_owner ON library_images (owner_id);
CREATE INDEX library_images_by_hash ON library_images (file_hash);

-- --- what people add ---------------------------------------------------------------------------------------------------

-- Genres of files become tags too: one notion to list, edit and search by.
CREATE TABLE tags (
    id TEXT PRIMARY KEY NOT NULL,      -- v5 of the normalised name
    name TEXT NOT NULL,                -- as first written
    _updated_at TEXT NOT NULL
);
CREATE INDEX tags_by_name ON tags (name COLLATE NOCASE);

CREATE TABLE track_tags (
    id TEXT PRIMARY KEY NOT NULL,      -- v5 of (track, tag)
    track_id TEXT NOT NULL REFERENCES tracks (id) ON DELETE CASCADE,
    tag_id TEXT NOT NULL REFERENCES tags (id) ON DELETE CASCADE,
    _updated_at TEXT NOT NULL
);
CREATE INDEX track_tags_by_track ON track_tags (track_id);
CREATE INDEX track_tags_by_tag ON track_tags (tag_id);

CREATE TABLE release_tags (
    id TEXT PRIMARY KEY NOT NULL,      -- v5 of (release, tag)
    release_id TEXT NOT NULL REFERENCES releases (id) ON DELETE CASCADE,
    tag_id TEXT NOT NULL REFERENCES tags (id) ON DELETE CASCADE,
    _updated_at TEXT NOT NULL
);
CREATE INDEX release_tags_by_release ON release_tags (release_id);
CREATE INDEX release_tags_by_tag ON release_tags (tag_id);

CREATE TABLE collections (
    id TEXT PRIMARY KEY NOT NULL,      -- v4
    name TEXT NOT NULL,
    description TEXT,
    _updated_at TEXT NOT NULL
);

CREATE TABLE collection_entries (
    id TEXT PRIMARY KEY NOT NULL,      -- v4: one thing may stand in a collection twice
    collection_id TEXT NOT NULL REFERENCES collections (id) ON DELETE CASCADE,
    position TEXT NOT NULL,            -- sorts as text; a place between two others is a text between theirs, so moving writes one row
    item_kind TEXT NOT NULL,           -- track, release or album; loose: a gap is shown, the order stays
    item_id TEXT NOT NULL,
    _updated_at TEXT NOT NULL
);
CREATE INDEX collection_entries_by_collection ON collection_entries (collection_id, position);
CREATE INDEX collection_entries_by_item ON collection_entries (item_id);

CREATE TABLE ratings (
    id TEXT PRIMARY KEY NOT NULL,      -- v5 of (item, person): everybody has an opinion of their own
    item_kind TEXT NOT NULL,           -- track, release, album, artist
    item_id TEXT NOT NULL,
    identity TEXT NOT NULL,            -- whose: public key in hex
    stars INTEGER NOT NULL,            -- 1 to 5; 0: withdrawn
    _updated_at TEXT NOT NULL
);
CREATE INDEX ratings_by_item ON ratings (item_id);

CREATE TABLE notes (
    id TEXT PRIMARY KEY NOT NULL,      -- v4
    item_kind TEXT NOT NULL,
    item_id TEXT NOT NULL,
    identity TEXT NOT NULL,            -- who wrote it
    text TEXT NOT NULL,
    written_ms INTEGER NOT NULL,
    _updated_at TEXT NOT NULL
);
CREATE INDEX notes_by_item ON notes (item_id);

CREATE TABLE play_counts (
    id TEXT PRIMARY KEY NOT NULL,      -- v5 of (track, device): each device counts for itself, readers add up, so no play is lost
    track_id TEXT NOT NULL REFERENCES tracks (id) ON DELETE CASCADE,
    device_id TEXT NOT NULL,           -- 16 hex digits
    plays INTEGER NOT NULL,
    last_played_ms INTEGER,
    _updated_at TEXT NOT NULL
);
CREATE INDEX play_counts_by_track ON play_counts (track_id);

-- --- devices and people ------------------------------------------------------------------------------------------------

CREATE TABLE devices (
    id TEXT PRIMARY KEY NOT NULL,      -- v5 of device_id
    device_id TEXT NOT NULL,           -- 16 hex digits; what a device may do is said by certificates, not here
    name TEXT NOT NULL,                -- "study", for people; certificates carry none because they are not sealed
    _updated_at TEXT NOT NULL
);

CREATE TABLE locations (
    id TEXT PRIMARY KEY NOT NULL,      -- v5 of (device, path)
    device_id TEXT NOT NULL,           -- only this device writes the row; merge does not enforce it
    path BLOB NOT NULL,                -- a folder there; file names are bytes
    watched INTEGER NOT NULL DEFAULT 0, -- new files are imported by themselves
    _updated_at TEXT NOT NULL
);

CREATE TABLE contacts (
    id TEXT PRIMARY KEY NOT NULL,      -- v5 of identity
    identity TEXT NOT NULL,            -- public key in hex: the person
    name TEXT NOT NULL,                -- what we call them
    verified_ms INTEGER,               -- when fingerprints were compared; NULL: never
    _updated_at TEXT NOT NULL
);

CREATE TABLE personas (
    id TEXT PRIMARY KEY NOT NULL,      -- v5 of persona
    persona TEXT NOT NULL,             -- the key that signs public statements, in hex
    identity TEXT NOT NULL,            -- whose it is; members may know, the public may not
    _updated_at TEXT NOT NULL
);

-- Grants given. The row outlives the release: what was given away stays known.
CREATE TABLE shares (
    id TEXT PRIMARY KEY NOT NULL,      -- v4, also the grant's id
    release_id TEXT NOT NULL,
    recipient TEXT,                    -- identity in hex; NULL: whoever holds the link
    key_epoch TEXT NOT NULL,           -- of the key that was wrapped: rekeying the release makes the grant void
    given_ms INTEGER NOT NULL,
    expires_ms INTEGER,
    withdrawn_ms INTEGER,              -- NULL: stands
    _updated_at TEXT NOT NULL
);
CREATE INDEX shares_by_release ON shares (release_id);

-- Grants received.
CREATE TABLE shared_releases (
    id TEXT PRIMARY KEY NOT NULL,      -- the grant's id
    sender TEXT NOT NULL,              -- identity in hex
    release_id TEXT NOT NULL,          -- the sender's id of it: part of the key
    title TEXT,                        -- as the grant says, until the release is fetched
    artist_credit TEXT,
    sealed_grant BLOB NOT NULL,        -- as it came: a device that cannot open it keeps it for one that can
    received_ms INTEGER NOT NULL,
    _updated_at TEXT NOT NULL
);

-- --- local: true of this device only, never captured --------------------------------------------------------------------

-- Where files lie here. A row stays when its file goes, so that a moved one is recognised.
CREATE TABLE local_files (
    path BLOB PRIMARY KEY NOT NULL,    -- absolute; bytes, because file names are
    file_id TEXT NOT NULL,             -- the release_files row it is a copy of; the row may be gone
    file_hash BLOB NOT NULL,           -- of the bytes that were read here, which may be older or newer than that row's
    size INTEGER NOT NULL,             -- these four say "unchanged" without reading
    mtime_ns INTEGER NOT NULL,
    inode INTEGER NOT NULL,
    state TEXT NOT NULL,               -- present, missing, damaged, changed (differs from what was imported: not served)
    group_key BLOB NOT NULL,           -- what made its release one: a file that turns up later with the same key joins it (node/import/grouping.h)
    tag_marks BLOB NOT NULL,           -- 4 bytes per tag as last read: tells which tags an edited file changed (node/import/file_tags.h)
    audio_mark BLOB                    -- checksum and size of the sound: tells an edited file from a damaged one (node/import/audio_mark.h); NULL until an import reads it
) WITHOUT ROWID;
CREATE INDEX local_files_by_file ON local_files (file_id);
CREATE INDEX local_files_by_hash ON local_files (file_hash);
CREATE INDEX local_files_by_group ON local_files (group_key);

-- What sealing checks every chunk against before a byte leaves.
CREATE TABLE file_chunks (
    file_hash BLOB PRIMARY KEY NOT NULL,
    chunk_hashes BLOB NOT NULL         -- 16 bytes of SHA-256 per 65,520 bytes of the file
) WITHOUT ROWID;

CREATE TABLE import_jobs (
    id INTEGER PRIMARY KEY,
    roots BLOB NOT NULL,               -- the folders, each ended by a zero byte
    copied INTEGER NOT NULL,           -- 1: --copy
    state TEXT NOT NULL,               -- running, done, cancelled, failed; running without a process: it was killed, run it again
    started_ms INTEGER NOT NULL,
    finished_ms INTEGER,
    releases INTEGER NOT NULL DEFAULT 0,
    tracks INTEGER NOT NULL DEFAULT 0,
    files INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0,
    message TEXT                       -- why it stopped
);

-- Sources that have no local_files row of their own: copied from, or failed.
CREATE TABLE import_items (
    path BLOB PRIMARY KEY NOT NULL,
    job_id INTEGER NOT NULL,
    size INTEGER NOT NULL,             -- with the next two: unchanged since
    mtime_ns INTEGER NOT NULL,
    inode INTEGER NOT NULL,
    outcome TEXT NOT NULL,             -- copied, failed
    copy_path BLOB,                    -- where the copy lies: without it the source is read again
    reason TEXT                        -- for people
) WITHOUT ROWID;
CREATE INDEX import_items_by_job ON import_items (job_id);
CREATE INDEX import_items_by_copy ON import_items (copy_path);

-- Uploads and downloads under way.
CREATE TABLE transfers (
    blob_id TEXT NOT NULL,             -- 32 hex digits
    direction TEXT NOT NULL,           -- up, down
    owner_kind TEXT NOT NULL,          -- file or image
    owner_id TEXT NOT NULL,            -- release_files or library_images
    state TEXT NOT NULL,               -- waiting, running, done, failed
    bytes_done INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    next_try_ms INTEGER,               -- back-off that survives a restart
    reason TEXT,                       -- why it waits
    PRIMARY KEY (blob_id, direction)
) WITHOUT ROWID;
CREATE INDEX transfers_by_state ON transfers (state, direction);
CREATE INDEX transfers_by_owner ON transfers (owner_id);

CREATE TABLE torrents (
    info_hash BLOB PRIMARY KEY NOT NULL, -- of the encrypted release: a function of content and key
    release_id TEXT NOT NULL,
    state TEXT NOT NULL,               -- seeding, fetching, stopped
    resume_data BLOB                   -- the torrent library's own
) WITHOUT ROWID;

-- Files under the cache folder that can be made again (thumbnails, transcodes).
CREATE TABLE cached_files (
    key TEXT PRIMARY KEY NOT NULL,     -- what it was made of and how
    path BLOB NOT NULL,
    size INTEGER NOT NULL,
    used_ms INTEGER NOT NULL           -- the least recently used go first
) WITHOUT ROWID;

-- What happened here, for people.
CREATE TABLE event_log (
    id INTEGER PRIMARY KEY,
    time_ms INTEGER NOT NULL,
    kind TEXT NOT NULL,                -- import, sync, alarm ...
    subject TEXT,                      -- an id, a path
    message TEXT NOT NULL
);
CREATE INDEX event_log_by_time ON event_log (time_ms);
