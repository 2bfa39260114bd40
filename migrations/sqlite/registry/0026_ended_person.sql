-- People whose identifier ended, by the keyed tag of the identity source's handle alone: until it has cooled off nobody is
-- enrolled under it, whichever document they bring. Whose identifier it was is not kept.
CREATE TABLE ended_person (
    tag BLOB NOT NULL PRIMARY KEY CHECK (length(tag) = 32),
    -- The day on which it was first seen; none on the day it came.
    since INTEGER
) STRICT, WITHOUT ROWID;
