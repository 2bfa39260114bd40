-- The log: leaves, hash tiles, checkpoints. Leaves are never changed or removed; a tile only grows.

CREATE TABLE leaf (
    place INTEGER NOT NULL PRIMARY KEY CHECK (place >= 0),
    id TEXT NOT NULL UNIQUE,
    body TEXT NOT NULL,
    kind TEXT NOT NULL GENERATED ALWAYS AS (json_extract(body, '$.kind')) STORED,
    rp TEXT GENERATED ALWAYS AS (json_extract(body, '$.rp')) STORED,
    time INTEGER NOT NULL GENERATED ALWAYS AS (json_extract(body, '$.time')) STORED
) STRICT;

-- A range of time needs no index: leaves are nearly in its order, and are read in theirs.
CREATE INDEX leaf_kind ON leaf (kind);
CREATE INDEX leaf_rp ON leaf (rp);
CREATE INDEX leaf_count ON leaf (kind, rp);

CREATE TRIGGER leaf_follows BEFORE INSERT ON leaf
WHEN NEW.place <> (SELECT coalesce(max(place) + 1, 0) FROM leaf)
BEGIN
    SELECT RAISE(ABORT, 'a leaf follows the last one');
END;

CREATE TRIGGER leaf_stays BEFORE UPDATE ON leaf
BEGIN
    SELECT RAISE(ABORT, 'a leaf is not changed');
END;

CREATE TRIGGER leaf_remains BEFORE DELETE ON leaf
BEGIN
    SELECT RAISE(ABORT, 'a leaf is not removed');
END;

CREATE TABLE tile (
    level INTEGER NOT NULL CHECK (level BETWEEN 0 AND 63),
    place INTEGER NOT NULL CHECK (place >= 0),
    hashes BLOB NOT NULL CHECK (length(hashes) BETWEEN 32 AND 8192 AND length(hashes) % 32 = 0),
    PRIMARY KEY (level, place)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER tile_grows BEFORE UPDATE ON tile
WHEN NEW.level <> OLD.level
    OR NEW.place <> OLD.place
    OR substr(NEW.hashes, 1, length(OLD.hashes)) <> OLD.hashes
BEGIN
    SELECT RAISE(ABORT, 'a tile only grows');
END;

CREATE TRIGGER tile_remains BEFORE DELETE ON tile
BEGIN
    SELECT RAISE(ABORT, 'a tile is not removed');
END;

CREATE TABLE checkpoint (
    size INTEGER NOT NULL PRIMARY KEY CHECK (size >= 0),
    note TEXT NOT NULL
) STRICT;

CREATE TRIGGER checkpoint_stays BEFORE UPDATE ON checkpoint
BEGIN
    SELECT RAISE(ABORT, 'a checkpoint is not changed');
END;

CREATE TRIGGER checkpoint_remains BEFORE DELETE ON checkpoint
BEGIN
    SELECT RAISE(ABORT, 'a checkpoint is not removed');
END;

-- Cosignatures may be added to a checkpoint: the latest note of a size stays.
CREATE TABLE cosigned (
    size INTEGER NOT NULL PRIMARY KEY CHECK (size >= 0),
    note TEXT NOT NULL
) STRICT;

CREATE TRIGGER cosigned_remains BEFORE DELETE ON cosigned
BEGIN
    SELECT RAISE(ABORT, 'a cosigned checkpoint is not removed');
END;
