-- The last signed checkpoint. It is in no backup of the ledger.

CREATE TABLE head (
    one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    size INTEGER NOT NULL CHECK (size >= 0),
    root BLOB NOT NULL CHECK (length(root) = 32),
    note TEXT NOT NULL
) STRICT;

CREATE TRIGGER head_advances BEFORE UPDATE ON head
WHEN NEW.size < OLD.size OR (NEW.size = OLD.size AND NEW.root <> OLD.root)
BEGIN
    SELECT RAISE(ABORT, 'the head does not go back');
END;

CREATE TRIGGER head_remains BEFORE DELETE ON head
BEGIN
    SELECT RAISE(ABORT, 'the head is not removed');
END;
