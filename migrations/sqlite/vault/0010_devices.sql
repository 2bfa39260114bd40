-- Several devices for one record: since when each may release plaintext, and which were unbound for good.

CREATE TABLE bound_device (
    jkt TEXT NOT NULL PRIMARY KEY,
    subject BLOB NOT NULL REFERENCES record (subject) ON DELETE CASCADE,
    key BLOB NOT NULL CHECK (length(key) = 65),
    release_from INTEGER NOT NULL DEFAULT 0 CHECK (release_from >= 0),
    unbound INTEGER NOT NULL DEFAULT 0 CHECK (unbound IN (0, 1))
) STRICT, WITHOUT ROWID;

INSERT INTO bound_device (jkt, subject, key) SELECT jkt, subject, key FROM device;

DROP TABLE device;

ALTER TABLE bound_device RENAME TO device;

CREATE INDEX device_subject ON device (subject);

CREATE TRIGGER device_stays BEFORE UPDATE ON device
WHEN NEW.jkt <> OLD.jkt OR NEW.subject <> OLD.subject OR NEW.key <> OLD.key OR NEW.release_from <> OLD.release_from
    OR NEW.unbound < OLD.unbound
BEGIN
    SELECT RAISE(ABORT, 'a bound device stays what it is, and an unbound one stays unbound');
END;
