-- Verifications that a relying party asked for and polls. A row names no person, and goes when it expires.

CREATE TABLE verification (
    id TEXT NOT NULL PRIMARY KEY,
    client_id TEXT NOT NULL,
    purpose TEXT NOT NULL,
    checks TEXT NOT NULL CHECK (json_valid(checks)),
    factors TEXT NOT NULL CHECK (json_valid(factors)),
    nonce TEXT NOT NULL,
    sub TEXT,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'passed', 'failed', 'declined')),
    attestation TEXT,
    CHECK ((attestation IS NOT NULL) = (state IN ('passed', 'failed')))
) STRICT, WITHOUT ROWID;

CREATE INDEX verification_expiry ON verification (expires_at);

-- An answer is given once.
CREATE TRIGGER verification_answered BEFORE UPDATE ON verification
WHEN OLD.state <> 'pending'
BEGIN
    SELECT RAISE(ABORT, 'an answered verification is not changed');
END;
