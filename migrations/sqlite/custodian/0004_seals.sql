-- The shares by the key that they are sealed to, whose thumbprint they begin with: what is still to be sealed anew after
-- a rotation is found and counted without reading every share.

CREATE INDEX share_seal ON share (substr(share, 1, 32), subject, field);
