-- What vault and custodian both keep: whose device key opens which record, which consents were used, and the last
-- checkpoint that was accepted.

CREATE TABLE record (
    subject BLOB NOT NULL PRIMARY KEY CHECK (length(subject) = 32),
    confirmed INTEGER NOT NULL DEFAULT 0 CHECK (confirmed IN (0, 1))
) STRICT, WITHOUT ROWID;

CREATE TABLE device (
    jkt TEXT NOT NULL PRIMARY KEY,
    subject BLOB NOT NULL UNIQUE REFERENCES record (subject) ON DELETE CASCADE,
    key BLOB NOT NULL CHECK (length(key) = 65)
) STRICT, WITHOUT ROWID;

-- Once used, a consent stays used, for the same leaf.
CREATE TABLE consent_use (
    consent_sha256 TEXT NOT NULL PRIMARY KEY,
    leaf_sha256 TEXT NOT NULL,
    used_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TRIGGER consent_use_stays BEFORE UPDATE ON consent_use
BEGIN
    SELECT RAISE(ABORT, 'the use of a consent is not changed');
END;

CREATE TRIGGER consent_use_remains BEFORE DELETE ON consent_use
BEGIN
    SELECT RAISE(ABORT, 'the use of a consent is not removed');
END;

CREATE TABLE remembered (
    one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    size INTEGER NOT NULL CHECK (size >= 0),
    root BLOB NOT NULL CHECK (length(root) = 32)
) STRICT;

CREATE TRIGGER remembered_grows BEFORE UPDATE ON remembered
WHEN NEW.size <= OLD.size
BEGIN
    SELECT RAISE(ABORT, 'a remembered checkpoint only grows');
END;

CREATE TRIGGER remembered_remains BEFORE DELETE ON remembered
BEGIN
    SELECT RAISE(ABORT, 'a remembered checkpoint is not forgotten');
END;
