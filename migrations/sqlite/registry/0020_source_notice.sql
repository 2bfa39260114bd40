-- What the identity source has told: the notices that were taken, in the source's order. Whom one was about is not kept;
-- the person is found by the tag of the source's handle alone.

CREATE TABLE source_notice (
    seq INTEGER NOT NULL PRIMARY KEY CHECK (seq > 0),
    jti TEXT NOT NULL UNIQUE,
    happening TEXT NOT NULL CHECK (
        happening IN ('died', 'document_lost', 'document_withdrawn', 'document_renewed', 'name_corrected')
    ),
    happened_at INTEGER NOT NULL,
    taken_at INTEGER NOT NULL
) STRICT;

CREATE TRIGGER source_notice_in_order BEFORE INSERT ON source_notice
WHEN NEW.seq <= (SELECT coalesce(max(seq), 0) FROM source_notice)
BEGIN
    SELECT RAISE(ABORT, 'notices are taken in their order');
END;

CREATE TRIGGER source_notice_stays BEFORE UPDATE ON source_notice
BEGIN
    SELECT RAISE(ABORT, 'a notice that was taken is not changed');
END;

CREATE TRIGGER source_notice_remains BEFORE DELETE ON source_notice
BEGIN
    SELECT RAISE(ABORT, 'a notice that was taken is not removed');
END;

-- Records that both key holders have kept anew, and that have not taken the old ones' places at both yet.
CREATE TABLE staged_record (
    subject BLOB NOT NULL PRIMARY KEY CHECK (length(subject) = 32),
    version TEXT NOT NULL
) STRICT, WITHOUT ROWID;
