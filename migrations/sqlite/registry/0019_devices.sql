-- Devices beside the first: since when each may release plaintext, which were revoked, which are to be unbound at the key
-- holders, and what holders are told.

ALTER TABLE device ADD COLUMN release_from INTEGER NOT NULL DEFAULT 0 CHECK (release_from >= 0);

-- Whose evidence it is: asked with a tag that only the platform computes.
CREATE INDEX IF NOT EXISTS subject_person ON subject (person_tag) WHERE person_tag IS NOT NULL;

CREATE TABLE revoked_device (
    jkt TEXT NOT NULL PRIMARY KEY,
    subject BLOB NOT NULL REFERENCES subject (subject),
    release_from INTEGER NOT NULL,
    revoked_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TRIGGER revoked_device_stays BEFORE UPDATE ON revoked_device
BEGIN
    SELECT RAISE(ABORT, 'a revocation is final');
END;

CREATE TRIGGER revoked_device_remains BEFORE DELETE ON revoked_device
BEGIN
    SELECT RAISE(ABORT, 'a revocation is final');
END;

CREATE TRIGGER revoked_device_does_not_return BEFORE INSERT ON device
WHEN EXISTS (SELECT 1 FROM revoked_device WHERE jkt = NEW.jkt)
BEGIN
    SELECT RAISE(ABORT, 'a revoked device does not return');
END;

CREATE TABLE unbinding (
    jkt TEXT NOT NULL PRIMARY KEY,
    subject BLOB NOT NULL CHECK (length(subject) = 32),
    key BLOB NOT NULL CHECK (length(key) = 65),
    due INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX unbinding_due ON unbinding (due);

CREATE TABLE device_alert (
    place INTEGER NOT NULL PRIMARY KEY,
    subject BLOB NOT NULL REFERENCES subject (subject),
    time INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('device_added', 'device_recovered', 'device_revoked', 'enrolment_tried',
        'recovery_tried', 'pin_changed', 'pin_reset', 'death_reported', 'document_invalid', 'record_replaced')),
    device TEXT
) STRICT;

CREATE INDEX device_alert_subject ON device_alert (subject, place);
