-- The whole life of an identifier: all its states with their arrows, why it is suspended, what others did to it, and
-- fresh network numbers.

ALTER TABLE subject ADD COLUMN state TEXT NOT NULL DEFAULT 'active' CHECK (
    state IN ('applied', 'active', 'suspended', 'expired', 'cancelled', 'deceased')
);

UPDATE subject SET state = status;

ALTER TABLE subject DROP COLUMN status;

ALTER TABLE subject RENAME COLUMN state TO status;

CREATE INDEX subject_end ON subject (min(document_expires_at, credential_expires_at)) WHERE status = 'active';

CREATE TRIGGER subject_has_arrows BEFORE UPDATE OF status ON subject
WHEN NEW.status <> OLD.status AND OLD.status || ' ' || NEW.status NOT IN (
    'applied active', 'applied cancelled',
    'active suspended', 'active expired', 'active cancelled', 'active deceased',
    'suspended active', 'suspended expired', 'suspended cancelled', 'suspended deceased',
    'expired active', 'expired suspended', 'expired cancelled', 'expired deceased',
    'deceased suspended', 'deceased cancelled'
)
BEGIN
    SELECT RAISE(ABORT, 'no arrow leads there');
END;

-- It is suspended while any reason stands.
CREATE TABLE suspension (
    subject BLOB NOT NULL REFERENCES subject (subject),
    reason TEXT NOT NULL CHECK (reason IN ('holder', 'operator', 'document', 'misuse')),
    since INTEGER NOT NULL,
    PRIMARY KEY (subject, reason)
) STRICT, WITHOUT ROWID;

-- What was suspended before reasons were kept, was so by operators.
INSERT INTO suspension (subject, reason, since) SELECT subject, 'operator', 0 FROM subject WHERE status = 'suspended';

-- What opens the commitments of the leaves that say what others did to an identity.
CREATE TABLE life_leaf (
    place INTEGER NOT NULL PRIMARY KEY,
    leaf TEXT NOT NULL UNIQUE REFERENCES promise (id),
    subject BLOB NOT NULL REFERENCES subject (subject),
    salt BLOB NOT NULL CHECK (length(salt) = 32),
    device_jkt TEXT NOT NULL
) STRICT;

CREATE INDEX life_leaf_subject ON life_leaf (subject, place);

CREATE TRIGGER life_leaf_stays BEFORE UPDATE ON life_leaf
BEGIN
    SELECT RAISE(ABORT, 'a leaf of a life is not changed');
END;

-- What operators do to identifiers. One that needs a second operator is not in force before they approve it.
CREATE TABLE identity_act (
    place INTEGER NOT NULL PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    act TEXT NOT NULL CHECK (act IN ('suspend', 'reinstate')),
    reason TEXT NOT NULL CHECK (reason IN ('operator', 'document', 'misuse', 'death')),
    reference TEXT NOT NULL CHECK (length(reference) BETWEEN 1 AND 200),
    subjects BLOB NOT NULL CHECK (length(subjects) > 0 AND length(subjects) % 32 = 0),
    applied_by TEXT NOT NULL,
    applied_at INTEGER NOT NULL,
    approved_by TEXT CHECK (approved_by <> applied_by),
    in_force INTEGER NOT NULL CHECK (in_force IN (0, 1)),
    done_at INTEGER,
    CHECK (in_force OR done_at IS NULL),
    -- Nobody does alone what concerns several people, or lifts what protects one.
    CHECK (NOT in_force OR approved_by IS NOT NULL OR (act = 'suspend' AND length(subjects) = 32))
) STRICT;

CREATE INDEX identity_act_to_do ON identity_act (place) WHERE in_force AND done_at IS NULL;

CREATE TRIGGER identity_act_stays BEFORE UPDATE ON identity_act
WHEN NEW.id <> OLD.id OR NEW.act <> OLD.act OR NEW.reason <> OLD.reason OR NEW.reference <> OLD.reference
    OR NEW.subjects <> OLD.subjects OR NEW.applied_by <> OLD.applied_by OR NEW.in_force < OLD.in_force
    OR (OLD.approved_by IS NOT NULL AND NEW.approved_by IS NOT OLD.approved_by)
    OR (OLD.done_at IS NOT NULL AND NEW.done_at IS NOT OLD.done_at)
BEGIN
    SELECT RAISE(ABORT, 'an act is not changed');
END;

CREATE TRIGGER identity_act_remains BEFORE DELETE ON identity_act
BEGIN
    SELECT RAISE(ABORT, 'an act is not removed');
END;

-- Numbers that were given up: nobody gets one again. Whose they were is not kept.
CREATE TABLE retired_number (
    number TEXT NOT NULL PRIMARY KEY CHECK (length(number) = 10)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER retired_number_remains BEFORE DELETE ON retired_number
BEGIN
    SELECT RAISE(ABORT, 'a number that was given up is not forgotten');
END;

CREATE TRIGGER number_retires AFTER UPDATE OF number ON subject
WHEN NEW.number <> OLD.number
BEGIN
    INSERT INTO retired_number (number) VALUES (OLD.number);
END;

CREATE TRIGGER number_is_fresh BEFORE UPDATE OF number ON subject
WHEN NEW.number <> OLD.number AND EXISTS (SELECT 1 FROM retired_number WHERE number = NEW.number)
BEGIN
    SELECT RAISE(ABORT, 'a number that was given up is nobody''s again');
END;

CREATE TRIGGER first_number_is_fresh BEFORE INSERT ON subject
WHEN EXISTS (SELECT 1 FROM retired_number WHERE number = NEW.number)
BEGIN
    SELECT RAISE(ABORT, 'a number that was given up is nobody''s again');
END;

-- A drawn number waits until its holder has signed for it and the key holders know it.
CREATE TABLE renumbering (
    subject BLOB NOT NULL PRIMARY KEY REFERENCES subject (subject),
    number TEXT NOT NULL UNIQUE CHECK (length(number) = 10),
    salt BLOB NOT NULL CHECK (length(salt) = 32),
    drawn_at INTEGER NOT NULL,
    message TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX renumbering_signed ON renumbering (drawn_at) WHERE message IS NOT NULL;

CREATE TABLE renumbered (
    subject BLOB NOT NULL PRIMARY KEY REFERENCES subject (subject),
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
