//! Whether a key does its work: what the private half does is checked with the public half, or against itself.

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use cyberid_crypto::key::{AgreementKey, KeyFailure};
use cyberid_crypto::{Agree, Mac, Sign, jws};

use crate::note::Ed25519Key;

/// What is signed for a trial: nothing that anybody would take for a message.
const MESSAGE: &[u8] = b"cyberid-keystore/1 trial";

/// A key that can be tried.
pub(crate) trait Trial {
    /// Tries it.
    fn try_out(&self) -> Result<(), KeyFailure>;
}

impl Trial for dyn Sign {
    fn try_out(&self) -> Result<(), KeyFailure> {
        let signature = self.sign(MESSAGE)?;
        jws::verify_signature(&self.public_key(), MESSAGE, &signature).map_err(|_| KeyFailure)
    }
}

impl Trial for dyn Agree {
    fn try_out(&self) -> Result<(), KeyFailure> {
        let other = AgreementKey::ephemeral_of(self.public_key().suite())?;
        fits(self.agree(&other.public_key())? == other.agree(&self.public_key())?)
    }
}

impl Trial for dyn Mac {
    fn try_out(&self) -> Result<(), KeyFailure> {
        let mac = self.mac(&[MESSAGE]);
        fits(mac == self.mac(&[MESSAGE]) && mac != self.mac(&[MESSAGE, MESSAGE]))
    }
}

impl Trial for Ed25519Key {
    fn try_out(&self) -> Result<(), KeyFailure> {
        let signature = self.sign(MESSAGE)?;
        let public = UnparsedPublicKey::new(&ED25519, self.public_key());
        public.verify(MESSAGE, &signature).map_err(|_| KeyFailure)
    }
}

fn fits(fits: bool) -> Result<(), KeyFailure> {
    if fits { Ok(()) } else { Err(KeyFailure) }
}
