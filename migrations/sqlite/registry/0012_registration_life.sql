-- The life of a registration after its approval: renewals that wait for a second operator, and keys that cool off.

ALTER TABLE relying_party ADD COLUMN revision INTEGER NOT NULL DEFAULT 0 CHECK (revision >= 0);

-- The leaf of the last thing that operators did; the first approval has none here where it is older than this column.
ALTER TABLE relying_party ADD COLUMN leaf TEXT;

CREATE TABLE waiting_keys (
    client_id TEXT NOT NULL PRIMARY KEY REFERENCES relying_party (client_id),
    registration TEXT NOT NULL CHECK (json_valid(registration)),
    certificates TEXT NOT NULL CHECK (json_valid(certificates)),
    in_force_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX waiting_keys_due ON waiting_keys (in_force_at);

CREATE TABLE waiting_renewal (
    client_id TEXT NOT NULL PRIMARY KEY REFERENCES relying_party (client_id),
    applied_by TEXT NOT NULL,
    applied_at INTEGER NOT NULL,
    particulars TEXT CHECK (json_valid(particulars)),
    days INTEGER NOT NULL CHECK (days BETWEEN 1 AND 365)
) STRICT, WITHOUT ROWID;

-- A change is made to the row that was read, or not at all.
CREATE TRIGGER relying_party_counts BEFORE UPDATE ON relying_party
WHEN NEW.revision <> OLD.revision + 1
BEGIN
    SELECT RAISE(ABORT, 'a relying party is replaced revision by revision');
END;
