//! The log's key, from the keystore.

use std::sync::Arc;

use cyberid_keystore::{Ed25519Key, NoteKey, role};
use cyberid_tlog::note::{NoteSigner, SignatureType, SignerError, VerifierKey, VerifierKeyError};

/// The key that signs checkpoints, under the log's origin. It stays the same key when the keystore rotates.
#[derive(Debug)]
pub struct LogKey {
    verifier: VerifierKey,
    key: Arc<Ed25519Key>,
}

impl LogKey {
    /// Names the active key of the role after the log's origin.
    pub fn new(origin: &str, key: &NoteKey<role::Ledger>) -> Result<Self, VerifierKeyError> {
        let key = key.current();
        let verifier = VerifierKey::new(origin, SignatureType::Ed25519, &key.public_key())?;
        Ok(Self { verifier, key })
    }
}

impl NoteSigner for LogKey {
    fn verifier_key(&self) -> &VerifierKey {
        &self.verifier
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignerError> {
        let signature = self.key.sign(message).map_err(|_| SignerError::Unavailable)?;
        Ok(signature.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use cyberid_domain::UnixTime;
    use cyberid_domain::clock::ManualClock;
    use cyberid_domain::rng::SystemRng;
    use cyberid_domain::secret::SecretBytes;
    use cyberid_keystore::{KdfCost, Keystore, RoleName};
    use cyberid_tlog::checkpoint::Checkpoint;
    use cyberid_tlog::hash::EMPTY_ROOT;

    use super::*;

    #[test]
    fn a_kept_key_signs_checkpoints_and_stays_itself_when_the_keystore_rotates() {
        let folder = tempfile::tempdir().unwrap();
        let secret = SecretBytes::from("passphrase".to_owned());
        let clock = Arc::new(ManualClock::new(UnixTime(1_795_000_000)));
        let store = Keystore::create(
            folder.path(),
            &secret,
            KdfCost::INSECURE,
            clock,
            Arc::new(SystemRng),
        );
        let store = store.unwrap();
        store.ensure(&[RoleName::Ledger]).unwrap();
        let handle = store.note_key::<role::Ledger>().unwrap();
        let key = LogKey::new("log.example", &handle).unwrap();

        store.prepare(RoleName::Ledger).unwrap();
        store.rotate(RoleName::Ledger).unwrap();
        assert_ne!(key.verifier_key().public_key(), &handle.public_key());
        let signed = Checkpoint::new("log.example", 0, EMPTY_ROOT)
            .unwrap()
            .sign(&key)
            .unwrap();
        assert_eq!(signed.log_key(), key.verifier_key());
    }
}
