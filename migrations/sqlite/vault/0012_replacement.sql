-- New versions of records, beside those in force until the custodian has them too.

CREATE TABLE staged_version (
    subject BLOB NOT NULL PRIMARY KEY REFERENCES record (subject) ON DELETE CASCADE,
    version TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE staged_field (
    subject BLOB NOT NULL REFERENCES staged_version (subject) ON DELETE CASCADE,
    name TEXT NOT NULL,
    ciphertext BLOB NOT NULL,
    share BLOB NOT NULL,
    PRIMARY KEY (subject, name)
) STRICT, WITHOUT ROWID;

-- Which version is in force, of records that were replaced.
CREATE TABLE version_in_force (
    subject BLOB NOT NULL PRIMARY KEY REFERENCES record (subject) ON DELETE CASCADE,
    version TEXT NOT NULL
) STRICT, WITHOUT ROWID;
