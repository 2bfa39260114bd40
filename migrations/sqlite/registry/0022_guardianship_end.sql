-- A guardianship ends when its guardian says so; at 18, and with the guardian's death, it ends by itself.

ALTER TABLE guardianship ADD COLUMN ended_at INTEGER;

DROP TRIGGER guardianship_stays;

CREATE TRIGGER guardianship_stays BEFORE UPDATE ON guardianship
WHEN NEW.ward <> OLD.ward OR NEW.guardian <> OLD.guardian OR NEW.since <> OLD.since OR OLD.ended_at IS NOT NULL
BEGIN
    SELECT RAISE(ABORT, 'a guardianship is not changed');
END;
