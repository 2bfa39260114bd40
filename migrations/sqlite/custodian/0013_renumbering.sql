-- A record's holder takes a fresh network number: the commitment changes with what their device signed, and only to a
-- later word.

ALTER TABLE record ADD COLUMN numbered_at INTEGER;

DROP TRIGGER record_number_stays;

CREATE TRIGGER record_number_stays BEFORE UPDATE ON record
WHEN NEW.number_commitment IS NOT OLD.number_commitment
    AND (NEW.numbered_at IS NULL OR NEW.numbered_at <= coalesce(OLD.numbered_at, 0))
BEGIN
    SELECT RAISE(ABORT, 'the number of a record is not changed');
END;
