-- The factors beside device and PIN: whose face it is, and the holder's passkeys.

-- HMAC, under a key that is not in the store, of the handle by which the identity source knows the person; absent for
-- who enrolled before.
ALTER TABLE subject ADD COLUMN person_tag BLOB CHECK (person_tag IS NULL OR length(person_tag) = 32);

CREATE TABLE passkey (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) BETWEEN 16 AND 1023),
    subject BLOB NOT NULL REFERENCES subject (subject),
    key BLOB NOT NULL CHECK (length(key) = 65),
    sign_count INTEGER NOT NULL CHECK (sign_count BETWEEN 0 AND 4294967295),
    backup_eligible INTEGER NOT NULL CHECK (backup_eligible IN (0, 1)),
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX passkey_subject ON passkey (subject, created_at);

-- A passkey stays what it was registered as; its counter only grows.
CREATE TRIGGER passkey_stays BEFORE UPDATE ON passkey
WHEN NEW.id <> OLD.id OR NEW.subject <> OLD.subject OR NEW.key <> OLD.key
    OR NEW.backup_eligible <> OLD.backup_eligible OR NEW.created_at <> OLD.created_at
    OR NEW.sign_count < OLD.sign_count
BEGIN
    SELECT RAISE(ABORT, 'a passkey stays what it is');
END;
