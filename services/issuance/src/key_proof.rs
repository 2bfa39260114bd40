//! Proof that the holder's device has the key that is to be bound.

use cyberid_crypto::PublicKey;
use cyberid_protocol::key_proof::{KeyProof, MAX_AGE};
use cyberid_protocol::message;

use crate::{EnrolmentError, Issuance};

impl Issuance {
    /// The key that `compact` proves, of this platform's suite, for this platform, at this moment, once.
    pub(crate) fn take_key_proof(&self, compact: &str) -> Result<PublicKey, EnrolmentError> {
        let (key, proof) = KeyProof::open(compact).map_err(|_| EnrolmentError::InvalidProof)?;
        let suite = self.parts.certificate_key.public_key().suite();
        if key.suite() != suite || proof.aud != self.parts.issuer {
            return Err(EnrolmentError::InvalidProof);
        }
        message::check_life(proof.iat, proof.iat.plus(MAX_AGE), MAX_AGE, self.now())
            .map_err(|_| EnrolmentError::ExpiredProof)?;
        self.take_nonce(&proof.nonce)?;
        Ok(key)
    }
}
