-- The blind index, and the encrypted fields.

CREATE TABLE reservation (
    tag BLOB NOT NULL PRIMARY KEY CHECK (length(tag) = 32),
    subject BLOB NOT NULL UNIQUE CHECK (length(subject) = 32),
    reserved_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE field (
    subject BLOB NOT NULL REFERENCES record (subject) ON DELETE CASCADE,
    name TEXT NOT NULL,
    ciphertext BLOB NOT NULL,
    share BLOB NOT NULL,
    PRIMARY KEY (subject, name)
) STRICT, WITHOUT ROWID;
