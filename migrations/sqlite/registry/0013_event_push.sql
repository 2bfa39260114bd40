-- How far pushing events to a relying party has come.

CREATE TABLE event_push (
    client_id TEXT NOT NULL PRIMARY KEY,
    newest INTEGER NOT NULL,
    settled INTEGER NOT NULL DEFAULT 0 CHECK (settled BETWEEN 0 AND newest),
    failures INTEGER NOT NULL DEFAULT 0 CHECK (failures >= 0),
    next_at INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE INDEX event_push_waiting ON event_push (next_at) WHERE settled < newest;

INSERT INTO event_push (client_id, newest) SELECT client_id, MAX(sequence) FROM event GROUP BY client_id;

CREATE TRIGGER event_is_pushed AFTER INSERT ON event
BEGIN
    INSERT INTO event_push (client_id, newest) VALUES (NEW.client_id, NEW.sequence)
    ON CONFLICT (client_id) DO UPDATE SET newest = excluded.newest;
END;
