-- Things that are used once, by digest.

CREATE TABLE single_use (
    digest BLOB NOT NULL PRIMARY KEY CHECK (length(digest) = 32),
    forget_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX single_use_forget ON single_use (forget_at);

CREATE TRIGGER single_use_stays BEFORE UPDATE ON single_use
BEGIN
    SELECT RAISE(ABORT, 'what was used once is not changed');
END;
