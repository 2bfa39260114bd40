-- How many devices a holder has revoked of late is asked before another is bound.
CREATE INDEX revoked_device_of_subject ON revoked_device (subject, revoked_at);
