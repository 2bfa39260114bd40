-- What one operator put into force alone, by when: it is counted, so that nobody halts many people one by one.
CREATE INDEX identity_act_alone ON identity_act (applied_by, applied_at) WHERE in_force AND approved_by IS NULL;
