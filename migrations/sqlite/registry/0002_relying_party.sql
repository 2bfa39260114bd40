-- Relying parties, and how often they ask for more than is registered.

CREATE TABLE relying_party (
    client_id TEXT NOT NULL PRIMARY KEY,
    registration TEXT NOT NULL CHECK (json_valid(registration)),
    status TEXT NOT NULL CHECK (status IN ('applied', 'approved', 'suspended')),
    applied_by TEXT NOT NULL,
    applied_at INTEGER NOT NULL,
    expires_at INTEGER,
    certificates TEXT NOT NULL CHECK (json_valid(certificates))
) STRICT, WITHOUT ROWID;

CREATE TABLE over_asking (
    client_id TEXT NOT NULL PRIMARY KEY REFERENCES relying_party (client_id),
    times INTEGER NOT NULL CHECK (times > 0)
) STRICT, WITHOUT ROWID;
