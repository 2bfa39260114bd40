-- Cases that two operators decide: misuses that the true person reports, and appeals against a refusal.

CREATE TABLE person_case (
    place INTEGER NOT NULL PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL CHECK (kind IN ('misuse', 'appeal')),
    jkt TEXT NOT NULL,
    key BLOB NOT NULL CHECK (length(key) = 65),
    subject BLOB REFERENCES subject (subject) CHECK ((subject IS NOT NULL) = (kind = 'misuse')),
    pin_salt BLOB CHECK (pin_salt IS NULL OR length(pin_salt) = 16),
    pin_memory_kib INTEGER,
    pin_passes INTEGER,
    pin_tag BLOB CHECK (pin_tag IS NULL OR length(pin_tag) = 32),
    opened_at INTEGER NOT NULL,
    halted INTEGER NOT NULL DEFAULT 0 CHECK (halted IN (0, 1)),
    verdict TEXT CHECK (verdict IN ('upheld', 'dismissed')),
    proposed_by TEXT CHECK ((proposed_by IS NULL) = (verdict IS NULL)),
    decided_by TEXT CHECK (decided_by <> proposed_by),
    decided_at INTEGER CHECK ((decided_at IS NULL) = (decided_by IS NULL)),
    done_at INTEGER CHECK (done_at IS NULL OR decided_at IS NOT NULL),
    CHECK (decided_by IS NULL OR proposed_by IS NOT NULL)
) STRICT;

CREATE UNIQUE INDEX person_case_of_key ON person_case (kind, jkt) WHERE done_at IS NULL;

CREATE UNIQUE INDEX person_case_of_subject ON person_case (subject) WHERE subject IS NOT NULL AND done_at IS NULL;

CREATE INDEX person_case_permission ON person_case (jkt, decided_at) WHERE kind = 'appeal';

-- What two operators decided stays decided.
CREATE TRIGGER person_case_stays BEFORE UPDATE ON person_case
WHEN NEW.id <> OLD.id OR NEW.kind <> OLD.kind OR NEW.jkt <> OLD.jkt OR NEW.key <> OLD.key
    OR NEW.subject IS NOT OLD.subject OR NEW.opened_at <> OLD.opened_at OR NEW.halted < OLD.halted
    OR (OLD.decided_at IS NOT NULL AND (NEW.verdict IS NOT OLD.verdict OR NEW.proposed_by IS NOT OLD.proposed_by
        OR NEW.decided_by IS NOT OLD.decided_by OR NEW.decided_at IS NOT OLD.decided_at))
BEGIN
    SELECT RAISE(ABORT, 'a decision is not changed');
END;
