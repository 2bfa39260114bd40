-- The journal of visits. A row's place is its own random content, so that no order of rows relates two visits to
-- each other or to a verification.

CREATE TABLE visit (
    day INTEGER NOT NULL,
    tag BLOB NOT NULL CHECK (length(tag) = 16),
    sealed BLOB NOT NULL,
    PRIMARY KEY (day, tag, sealed)
) STRICT, WITHOUT ROWID;

-- A day is forgotten as law says; within it nothing is changed.
CREATE TRIGGER visit_stays BEFORE UPDATE ON visit
BEGIN
    SELECT RAISE(ABORT, 'a visit is not changed');
END;
