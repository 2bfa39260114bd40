-- Device keys that act once: the codes of a sheet that a counter gave to a person without a device.
CREATE TABLE counter_code (
    jkt TEXT PRIMARY KEY,
    subject BLOB NOT NULL,
    -- The operator's client who assisted.
    station TEXT NOT NULL,
    kept_at INTEGER NOT NULL,
    used_at INTEGER
) STRICT;

CREATE INDEX counter_code_of_subject ON counter_code (subject);

-- The key of a revoked device, which proves what it agreed to; none for those that were revoked before it was kept.
ALTER TABLE revoked_device ADD COLUMN key BLOB CHECK (key IS NULL OR length(key) = 65);
