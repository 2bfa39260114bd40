-- What an attempt at a PIN writes where it changes no subject: every attempt makes one row durable when it begins and
-- one when it ends, so that how long that takes does not tell whether there is such a person.
CREATE TABLE pin_decoy (
    only INTEGER NOT NULL PRIMARY KEY CHECK (only = 1),
    writes INTEGER NOT NULL CHECK (writes >= 0)
) STRICT;

INSERT INTO pin_decoy (only, writes) VALUES (1, 0);
