-- Answers that are given again under one Idempotency-Key.

CREATE TABLE kept_answer (
    digest BLOB NOT NULL PRIMARY KEY CHECK (length(digest) = 32),
    request_sha256 BLOB NOT NULL CHECK (length(request_sha256) = 32),
    sealed BLOB NOT NULL,
    forget_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX kept_answer_forget ON kept_answer (forget_at);
