-- Verifications, the proofs they consumed and the journal of visits moved to the journal's own files.

DROP TABLE verification;
DROP TABLE visit;
