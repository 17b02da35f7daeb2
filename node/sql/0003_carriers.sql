-- What is known of an S3 bucket, found by the probe of `bucket use` or learnt since. It saves requests; nothing depends on it.
ALTER TABLE carriers ADD COLUMN conditional_put TEXT NOT NULL DEFAULT ''; -- honoured, refused, ignored; empty: not known
ALTER TABLE carriers ADD COLUMN region TEXT NOT NULL DEFAULT '';          -- where the url names none
ALTER TABLE carriers ADD COLUMN probed_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE carriers ADD COLUMN audited_ms INTEGER NOT NULL DEFAULT 0;    -- when carried_blobs was last compared with it
