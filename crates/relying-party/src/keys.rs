//! The relying party's two keys: one signs, the other opens what was released to it.

use std::path::Path;
use std::sync::Arc;

use cyberid_client::key_file::{KeyFileError, PrivateKey, read_private, write_private};
use cyberid_crypto::jwk::JwkSet;
use cyberid_crypto::{Agree, AgreementKey, Sign, SigningKey, Suite, json};
use cyberid_domain::Rng;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// The keys of a relying party, in memory and in a file without a passphrase that only its owner can read.
#[derive(Debug)]
pub struct RpKeys {
    kept: Kept,
    signing: Arc<SigningKey>,
    encryption: Arc<AgreementKey>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    signing_jwk: PrivateKey,
    encryption_jwk: PrivateKey,
}

impl RpKeys {
    /// Fresh P-256 keys.
    pub fn make(rng: &dyn Rng) -> Result<Self, KeyFileError> {
        Self::make_of(Suite::Nist, rng)
    }

    /// Fresh keys of a platform's suite.
    pub fn make_of(suite: Suite, rng: &dyn Rng) -> Result<Self, KeyFileError> {
        Self::new(PrivateKey::make_of(suite, rng)?, PrivateKey::make_of(suite, rng)?)
    }

    /// Keys that exist.
    pub fn new(signing: PrivateKey, encryption: PrivateKey) -> Result<Self, KeyFileError> {
        Ok(Self {
            signing: Arc::new(signing.to_signing_key()?),
            encryption: Arc::new(encryption.to_agreement_key()?),
            kept: Kept {
                signing_jwk: signing,
                encryption_jwk: encryption,
            },
        })
    }

    /// The keys of a file that [`RpKeys::save`] wrote; a file that others can read is refused.
    pub fn load(path: &Path) -> Result<Self, KeyFileError> {
        let kept: Kept = json::from_slice(&read_private(path)?).map_err(|_| KeyFileError::Malformed)?;
        Self::new(kept.signing_jwk, kept.encryption_jwk)
    }

    /// Writes the keys to a new file of mode 0600; a file that exists is never overwritten.
    pub fn save(&self, path: &Path) -> Result<(), KeyFileError> {
        let bytes = Zeroizing::new(serde_json::to_vec(&self.kept).map_err(|_| KeyFileError::Malformed)?);
        write_private(path, &bytes)
    }

    /// The key, to sign with.
    pub fn signer(&self) -> Arc<dyn Sign> {
        self.signing.clone()
    }

    /// The key, to open with.
    pub fn opener(&self) -> Arc<dyn Agree> {
        self.encryption.clone()
    }

    /// The public halves, as a registration states them.
    pub fn public_set(&self) -> JwkSet {
        let signing = self.kept.signing_jwk.public_key().to_signing_jwk();
        let encryption = self.kept.encryption_jwk.public_key().to_sealing_jwk();
        JwkSet {
            keys: vec![signing, encryption],
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use cyberid_domain::rng::SystemRng;

    use super::*;

    #[test]
    fn keys_come_back_from_their_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("keys.json");
        let keys = RpKeys::make(&SystemRng).unwrap();
        keys.save(&path).unwrap();
        assert_eq!(RpKeys::load(&path).unwrap().public_set(), keys.public_set());
        assert!(matches!(keys.save(&path), Err(KeyFileError::Io(_))));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o604)).unwrap();
        assert!(matches!(
            RpKeys::load(&path),
            Err(KeyFileError::Exposed { mode: 0o604 })
        ));
    }

    #[test]
    fn the_two_keys_are_two() {
        let set = RpKeys::make(&SystemRng).unwrap().public_set();
        let [signing, encryption] = set.keys.as_slice() else {
            panic!("two keys")
        };
        assert_ne!(signing.kid, encryption.kid);
        assert_eq!(
            (signing.use_.as_deref(), encryption.use_.as_deref()),
            (Some("sig"), Some("enc"))
        );
    }
}
