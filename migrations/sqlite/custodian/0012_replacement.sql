-- New versions of records, beside those in force until the vault has them too.

CREATE TABLE staged_version (
    subject BLOB NOT NULL PRIMARY KEY REFERENCES record (subject) ON DELETE CASCADE,
    version TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE staged_share (
    subject BLOB NOT NULL REFERENCES staged_version (subject) ON DELETE CASCADE,
    field TEXT NOT NULL,
    share BLOB NOT NULL,
    PRIMARY KEY (subject, field)
) STRICT, WITHOUT ROWID;

-- Which version is in force, of records that were replaced.
CREATE TABLE version_in_force (
    subject BLOB NOT NULL PRIMARY KEY REFERENCES record (subject) ON DELETE CASCADE,
    version TEXT NOT NULL
) STRICT, WITHOUT ROWID;
