-- The device this home is becoming (sync/new_device.h): there from before its keys are stored until its certificate is.

CREATE TABLE sync_becoming (            -- at most one row
    one INTEGER PRIMARY KEY CHECK (one = 1),
    device BLOB NOT NULL,
    common INTEGER NOT NULL             -- the last object of the own stream that the other installation has too
) STRICT;
