-- What stays of a person whose identifier ended: the keyed tag, with nothing that leads to a subject, and the day from
-- which its cooling-off is counted, once that was noted. While it stands nobody is reserved under the tag.

CREATE TABLE cooling_off (
    tag BLOB NOT NULL PRIMARY KEY CHECK (length(tag) = 32),
    since INTEGER CHECK (since IS NULL OR (since >= 0 AND since % 86400 = 0))
) STRICT, WITHOUT ROWID;

CREATE INDEX cooling_off_since ON cooling_off (since);

CREATE TRIGGER cooling_off_stays BEFORE UPDATE ON cooling_off
WHEN NEW.tag <> OLD.tag OR OLD.since IS NOT NULL
BEGIN
    SELECT RAISE(ABORT, 'a cooling-off is counted from one day');
END;
