-- Releases of plaintext: from the request over the consent to the erasure.

CREATE TABLE release (
    place INTEGER NOT NULL PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    client_id TEXT NOT NULL,
    sub TEXT NOT NULL,
    purpose TEXT NOT NULL,
    fields TEXT NOT NULL CHECK (json_valid(fields)),
    nonce TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (
        status IN (
            'requested', 'declined', 'expired', 'granted', 'intended', 'delivered', 'presumed', 'withdrawn'
        )
    )
) STRICT;

CREATE INDEX release_status ON release (status, created_at);

-- The request object that the holder is shown, one per language; the first one stays.
CREATE TABLE request_object (
    release TEXT NOT NULL REFERENCES release (id),
    locale TEXT NOT NULL,
    compact TEXT NOT NULL,
    PRIMARY KEY (release, locale)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER request_object_stays BEFORE UPDATE ON request_object
BEGIN
    SELECT RAISE(ABORT, 'a request object is not changed');
END;

CREATE TABLE consent (
    release TEXT NOT NULL PRIMARY KEY REFERENCES release (id),
    consent_id TEXT NOT NULL UNIQUE,
    consent TEXT NOT NULL,
    request_object TEXT NOT NULL,
    subject BLOB NOT NULL CHECK (length(subject) = 32),
    device_jkt TEXT NOT NULL,
    salt BLOB NOT NULL CHECK (length(salt) = 32),
    redeem_by INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX consent_subject ON consent (subject);

-- The leaves of a release's life, in order; each is a promised leaf.
CREATE TABLE release_leaf (
    place INTEGER NOT NULL PRIMARY KEY,
    release TEXT NOT NULL REFERENCES release (id),
    leaf TEXT NOT NULL UNIQUE REFERENCES promise (id)
) STRICT;

CREATE INDEX release_leaf_release ON release_leaf (release, place);

CREATE TRIGGER release_leaf_stays BEFORE UPDATE ON release_leaf
BEGIN
    SELECT RAISE(ABORT, 'a leaf of a release is not changed');
END;

CREATE TRIGGER release_leaf_remains BEFORE DELETE ON release_leaf
BEGIN
    SELECT RAISE(ABORT, 'a leaf of a release is not removed');
END;

-- What a withdrawal obliges to. Confirmed or recorded as overdue, by the leaf that says so; overdue may be
-- confirmed still.
CREATE TABLE erasure (
    release TEXT NOT NULL PRIMARY KEY REFERENCES release (id),
    erase_by INTEGER NOT NULL,
    overdue TEXT REFERENCES promise (id),
    confirmed TEXT REFERENCES promise (id)
) STRICT, WITHOUT ROWID;

CREATE INDEX erasure_owed ON erasure (erase_by) WHERE overdue IS NULL AND confirmed IS NULL;

CREATE TRIGGER erasure_stays BEFORE UPDATE ON erasure
WHEN NEW.release <> OLD.release
    OR NEW.erase_by <> OLD.erase_by
    OR (OLD.overdue IS NOT NULL AND NEW.overdue IS NOT OLD.overdue)
    OR (OLD.confirmed IS NOT NULL AND NEW.confirmed IS NOT OLD.confirmed)
BEGIN
    SELECT RAISE(ABORT, 'what is recorded of an erasure is not changed');
END;

CREATE TRIGGER erasure_remains BEFORE DELETE ON erasure
BEGIN
    SELECT RAISE(ABORT, 'an erasure that is owed is not removed');
END;
