-- The other half of every key.

CREATE TABLE share (
    subject BLOB NOT NULL REFERENCES record (subject) ON DELETE CASCADE,
    field TEXT NOT NULL,
    share BLOB NOT NULL,
    PRIMARY KEY (subject, field)
) STRICT, WITHOUT ROWID;

-- When an unconfirmed record came, so that an operator can see one that was neither confirmed nor freed.
CREATE TABLE deposit (
    subject BLOB NOT NULL PRIMARY KEY REFERENCES record (subject) ON DELETE CASCADE,
    deposited_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
