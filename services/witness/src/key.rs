//! The witness's key, from the keystore.

use std::sync::Arc;

use cyberid_keystore::{Ed25519Key, NoteKey, role};
use cyberid_tlog::note::{NoteSigner, SignatureType, SignerError, VerifierKey, VerifierKeyError};

/// The key that cosigns, under the witness's name. It stays the same key when the keystore rotates.
#[derive(Debug)]
pub(crate) struct CosignerKey {
    verifier: VerifierKey,
    key: Arc<Ed25519Key>,
}

impl CosignerKey {
    /// Names the active key of the role.
    pub(crate) fn new(name: &str, key: &NoteKey<role::Witness>) -> Result<Self, VerifierKeyError> {
        let key = key.current();
        let verifier = VerifierKey::new(name, SignatureType::CosignatureV1, &key.public_key())?;
        Ok(Self { verifier, key })
    }
}

impl NoteSigner for CosignerKey {
    fn verifier_key(&self) -> &VerifierKey {
        &self.verifier
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignerError> {
        let signature = self.key.sign(message).map_err(|_| SignerError::Unavailable)?;
        Ok(signature.to_vec())
    }
}
