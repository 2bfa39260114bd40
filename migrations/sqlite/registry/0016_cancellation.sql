-- Identifiers that their holders ended. The row stays: nobody of it is granted anything again. What the holder signed
-- stays only until everything of theirs is erased.

CREATE TABLE cancellation (
    subject BLOB NOT NULL PRIMARY KEY CHECK (length(subject) = 32),
    message TEXT,
    begun_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX cancellation_open ON cancellation (begun_at) WHERE message IS NOT NULL;

CREATE TRIGGER cancellation_stays BEFORE UPDATE ON cancellation
WHEN NEW.subject <> OLD.subject OR NEW.begun_at <> OLD.begun_at OR NEW.message IS NOT NULL
BEGIN
    SELECT RAISE(ABORT, 'a cancellation is final');
END;

CREATE TRIGGER cancellation_remains BEFORE DELETE ON cancellation
BEGIN
    SELECT RAISE(ABORT, 'a cancellation is final');
END;
