-- Subjects: random handles with status, age flags and device keys. No name, number of a document or birth date.

CREATE TABLE enrolment (
    subject BLOB NOT NULL PRIMARY KEY CHECK (length(subject) = 32),
    begun_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX enrolment_begun ON enrolment (begun_at);

CREATE TABLE subject (
    subject BLOB NOT NULL PRIMARY KEY CHECK (length(subject) = 32),
    number TEXT NOT NULL UNIQUE CHECK (length(number) = 10),
    status TEXT NOT NULL CHECK (status IN ('active', 'suspended', 'cancelled')),
    age_flags INTEGER NOT NULL CHECK (age_flags BETWEEN 0 AND 15),
    document_expires_at INTEGER NOT NULL,
    credential_expires_at INTEGER NOT NULL,
    pin_salt BLOB NOT NULL CHECK (length(pin_salt) = 16),
    pin_memory_kib INTEGER NOT NULL CHECK (pin_memory_kib > 0),
    pin_passes INTEGER NOT NULL CHECK (pin_passes > 0),
    pin_tag BLOB NOT NULL CHECK (length(pin_tag) = 32),
    pin_failures INTEGER NOT NULL DEFAULT 0 CHECK (pin_failures >= 0),
    pin_locked_until INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE device (
    jkt TEXT NOT NULL PRIMARY KEY,
    subject BLOB NOT NULL REFERENCES subject (subject),
    key BLOB NOT NULL UNIQUE CHECK (length(key) = 65),
    bound_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX device_subject ON device (subject, bound_at);

-- The tag of the day on which a subject reaches an age; all who were born on one day share it.
CREATE TABLE age_tag (
    threshold INTEGER NOT NULL CHECK (threshold IN (14, 16, 18, 21)),
    tag BLOB NOT NULL CHECK (length(tag) = 32),
    subject BLOB NOT NULL REFERENCES subject (subject),
    PRIMARY KEY (threshold, tag, subject)
) STRICT, WITHOUT ROWID;

CREATE TABLE age_day (
    one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    day INTEGER NOT NULL
) STRICT;
