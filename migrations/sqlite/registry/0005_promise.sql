-- Leaves that the registry has decided and the ledger is to record, in the order of their promise.

CREATE TABLE promise (
    place INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    body TEXT NOT NULL,
    leaf_index INTEGER CHECK (leaf_index >= 0)
) STRICT;

CREATE INDEX promise_outstanding ON promise (place) WHERE leaf_index IS NULL;

CREATE TRIGGER promise_stays BEFORE UPDATE ON promise
WHEN NEW.place <> OLD.place OR NEW.id <> OLD.id OR NEW.body <> OLD.body OR OLD.leaf_index IS NOT NULL
BEGIN
    SELECT RAISE(ABORT, 'a promised leaf is not changed');
END;

CREATE TRIGGER promise_remains BEFORE DELETE ON promise
BEGIN
    SELECT RAISE(ABORT, 'a promised leaf is not removed');
END;
