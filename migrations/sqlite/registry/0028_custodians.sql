-- Among how many custodians the other half of every key is shared: what was sealed to one never opens with three.
CREATE TABLE custodians (
    one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    count INTEGER NOT NULL CHECK (count > 0)
) STRICT;
