//! The device key: whoever holds it acts as the holder, up to the PIN.

use std::path::Path;
use std::sync::Arc;

use cyberid_client::key_file::{KeyFileError, PrivateKey};
use cyberid_crypto::{PublicKey, Sign, SigningKey, Suite};
use cyberid_domain::Rng;

/// A device key in memory, kept in a file that has no passphrase and that only its owner can read.
///
/// A phone keeps its key in its secure element instead and never sees the private half.
#[derive(Debug)]
pub struct DeviceKey {
    kept: PrivateKey,
    signing: Arc<SigningKey>,
}

impl DeviceKey {
    /// A fresh P-256 key.
    pub fn make(rng: &dyn Rng) -> Result<Self, KeyFileError> {
        Self::from_private(PrivateKey::make(rng))
    }

    /// A fresh key of a platform's suite.
    pub fn make_of(suite: Suite, rng: &dyn Rng) -> Result<Self, KeyFileError> {
        Self::from_private(PrivateKey::make_of(suite, rng)?)
    }

    /// The key of a file that [`DeviceKey::save`] wrote; a file that others can read is refused.
    pub fn load(path: &Path) -> Result<Self, KeyFileError> {
        Self::from_private(PrivateKey::load(path)?)
    }

    /// Writes the key to a new file of mode 0600; a file that exists is never overwritten.
    pub fn save(&self, path: &Path) -> Result<(), KeyFileError> {
        self.kept.save(path)
    }

    /// The public half.
    pub fn public_key(&self) -> PublicKey {
        self.kept.public_key()
    }

    /// The key, to sign with.
    pub fn signer(&self) -> Arc<dyn Sign> {
        self.signing.clone()
    }

    fn from_private(kept: PrivateKey) -> Result<Self, KeyFileError> {
        let signing = Arc::new(kept.to_signing_key()?);
        Ok(Self { kept, signing })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use cyberid_domain::rng::SystemRng;

    use super::*;

    #[test]
    fn a_key_comes_back_from_its_file_and_is_never_overwritten() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("device.jwk");
        let key = DeviceKey::make(&SystemRng).unwrap();
        key.save(&path).unwrap();
        assert_eq!(DeviceKey::load(&path).unwrap().public_key(), key.public_key());
        let other = DeviceKey::make(&SystemRng).unwrap();
        assert!(matches!(other.save(&path), Err(KeyFileError::Io(_))));
        assert_eq!(DeviceKey::load(&path).unwrap().public_key(), key.public_key());
    }

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("device.jwk");
        DeviceKey::make(&SystemRng).unwrap().save(&path).unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(
            DeviceKey::load(&path),
            Err(KeyFileError::Exposed { mode: 0o640 })
        ));
    }

    #[test]
    fn the_key_is_not_printed() {
        let key = DeviceKey::make(&SystemRng).unwrap();
        let jwk: serde_json::Value = serde_json::from_slice(&key.kept.to_jwk()).unwrap();
        assert!(!format!("{key:?}").contains(jwk["d"].as_str().unwrap()));
    }
}
