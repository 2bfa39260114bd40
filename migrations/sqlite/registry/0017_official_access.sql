-- Official accesses: an authority's orders, who signed them, and what became of them.

CREATE TABLE official_access (
    place INTEGER NOT NULL PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    authority TEXT NOT NULL,
    compact_order TEXT NOT NULL UNIQUE,
    countersignature TEXT,
    salt BLOB NOT NULL CHECK (length(salt) = 32),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    notice_after INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (
        status IN ('requested', 'countersigned', 'intended', 'delivered', 'presumed', 'refused')
    ),
    subject BLOB CHECK (subject IS NULL OR length(subject) = 32),
    refusal TEXT CHECK ((refusal IS NULL) = (status <> 'refused')),
    CHECK (status NOT IN ('intended', 'delivered', 'presumed')
        OR (countersignature IS NOT NULL AND subject IS NOT NULL))
) STRICT;

CREATE INDEX official_access_status ON official_access (status, created_at);
CREATE INDEX official_access_subject ON official_access (subject) WHERE subject IS NOT NULL;

-- An order is as it was signed, and whose record it opened stays known.
CREATE TRIGGER official_access_stays BEFORE UPDATE ON official_access
WHEN NEW.id <> OLD.id
    OR NEW.authority <> OLD.authority
    OR NEW.compact_order <> OLD.compact_order
    OR NEW.notice_after <> OLD.notice_after
    OR (OLD.countersignature IS NOT NULL AND NEW.countersignature IS NOT OLD.countersignature)
    OR (OLD.subject IS NOT NULL AND NEW.subject IS NOT OLD.subject)
    OR OLD.status IN ('delivered', 'presumed', 'refused')
BEGIN
    SELECT RAISE(ABORT, 'an official access is not changed');
END;

CREATE TRIGGER official_access_remains BEFORE DELETE ON official_access
BEGIN
    SELECT RAISE(ABORT, 'an official access is not removed');
END;

-- The leaves of its life, in order; each is a promised leaf.
CREATE TABLE official_leaf (
    place INTEGER NOT NULL PRIMARY KEY,
    access TEXT NOT NULL REFERENCES official_access (id),
    leaf TEXT NOT NULL UNIQUE REFERENCES promise (id)
) STRICT;

CREATE INDEX official_leaf_access ON official_leaf (access, place);

CREATE TRIGGER official_leaf_stays BEFORE UPDATE ON official_leaf
BEGIN
    SELECT RAISE(ABORT, 'a leaf of an official access is not changed');
END;

CREATE TRIGGER official_leaf_remains BEFORE DELETE ON official_leaf
BEGIN
    SELECT RAISE(ABORT, 'a leaf of an official access is not removed');
END;

-- What opens the commitment to a network number that the key holders keep. It goes with an enrolment that is freed.
CREATE TABLE number_salt (
    subject BLOB NOT NULL PRIMARY KEY CHECK (length(subject) = 32),
    salt BLOB NOT NULL CHECK (length(salt) = 32)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER number_salt_goes AFTER DELETE ON enrolment
WHEN NOT EXISTS (SELECT 1 FROM subject WHERE subject = OLD.subject)
BEGIN
    DELETE FROM number_salt WHERE subject = OLD.subject;
END;
