-- Who is whose guardian, as the guardian's device said when the ward was enrolled. The ward's enrolment may not be
-- committed yet.

CREATE TABLE guardianship (
    ward BLOB NOT NULL CHECK (length(ward) = 32),
    guardian BLOB NOT NULL REFERENCES subject (subject),
    since INTEGER NOT NULL,
    PRIMARY KEY (ward, guardian),
    CHECK (ward <> guardian)
) STRICT, WITHOUT ROWID;

CREATE INDEX guardianship_guardian ON guardianship (guardian, since);

CREATE TRIGGER guardianship_stays BEFORE UPDATE ON guardianship
BEGIN
    SELECT RAISE(ABORT, 'a guardianship is not changed');
END;
