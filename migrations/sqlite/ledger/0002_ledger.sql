-- What a leaf is found by is written beside it instead of being taken out of it for each; how many there are of each kind is
-- kept, instead of being counted.

CREATE TABLE found_leaf (
    place INTEGER NOT NULL PRIMARY KEY CHECK (place >= 0),
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    rp TEXT,
    time INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT;

INSERT INTO found_leaf (place, id, kind, rp, time, body)
SELECT place, id, kind, rp, time, body FROM leaf ORDER BY place;

DROP TABLE leaf;
ALTER TABLE found_leaf RENAME TO leaf;

-- Each is in the order of places within what it finds. A range of time needs no index: leaves are nearly in its order.
CREATE INDEX leaf_kind ON leaf (kind);
CREATE INDEX leaf_rp ON leaf (rp) WHERE rp IS NOT NULL;

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

-- How many leaves there are of each kind and relying party; '' where a leaf names none.
CREATE TABLE tally (
    kind TEXT NOT NULL,
    rp TEXT NOT NULL,
    leaves INTEGER NOT NULL CHECK (leaves > 0),
    PRIMARY KEY (kind, rp)
) STRICT, WITHOUT ROWID;

INSERT INTO tally (kind, rp, leaves)
SELECT kind, coalesce(rp, ''), count(*) FROM leaf GROUP BY kind, rp;

CREATE TRIGGER tally_grows BEFORE UPDATE ON tally
WHEN NEW.kind <> OLD.kind OR NEW.rp <> OLD.rp OR NEW.leaves <= OLD.leaves
BEGIN
    SELECT RAISE(ABORT, 'a tally only grows');
END;

CREATE TRIGGER tally_remains BEFORE DELETE ON tally
BEGIN
    SELECT RAISE(ABORT, 'a tally is not removed');
END;
