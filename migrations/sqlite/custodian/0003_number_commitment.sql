-- To which network number a record was deposited: an official access opens it only if its order names that number. Records
-- from before have none, and no order opens them.

ALTER TABLE record ADD COLUMN number_commitment BLOB
    CHECK (number_commitment IS NULL OR length(number_commitment) = 32);

CREATE TRIGGER record_number_stays BEFORE UPDATE ON record
WHEN NEW.number_commitment IS NOT OLD.number_commitment
BEGIN
    SELECT RAISE(ABORT, 'the number of a record is not changed');
END;
