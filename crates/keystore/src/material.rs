//! What 32 secret bytes become, by kind.

use cyberid_crypto::{Agree as _, AgreementKey, MacKey, Sign as _, SigningKey};
use zeroize::Zeroizing;

use crate::error::KeystoreError;
use crate::note::Ed25519Key;
use crate::public::PublicHalf;

/// A key in memory, made of 32 secret bytes.
pub(crate) trait Material: Sized {
    /// The key of these bytes.
    fn load(secret: &Zeroizing<[u8; 32]>) -> Result<Self, KeystoreError>;

    /// The public half, if the kind has one.
    fn public_half(&self) -> Option<PublicHalf>;
}

impl Material for SigningKey {
    fn load(secret: &Zeroizing<[u8; 32]>) -> Result<Self, KeystoreError> {
        Self::from_scalar(secret).map_err(|_| KeystoreError::Corrupt)
    }

    fn public_half(&self) -> Option<PublicHalf> {
        Some(PublicHalf::P256(self.public_key()))
    }
}

impl Material for AgreementKey {
    fn load(secret: &Zeroizing<[u8; 32]>) -> Result<Self, KeystoreError> {
        Self::from_scalar(secret).map_err(|_| KeystoreError::Corrupt)
    }

    fn public_half(&self) -> Option<PublicHalf> {
        Some(PublicHalf::P256(self.public_key()))
    }
}

impl Material for MacKey {
    fn load(secret: &Zeroizing<[u8; 32]>) -> Result<Self, KeystoreError> {
        Ok(Self::new(secret.clone()))
    }

    fn public_half(&self) -> Option<PublicHalf> {
        None
    }
}

impl Material for Ed25519Key {
    fn load(secret: &Zeroizing<[u8; 32]>) -> Result<Self, KeystoreError> {
        Self::from_seed(secret).map_err(|_| KeystoreError::Corrupt)
    }

    fn public_half(&self) -> Option<PublicHalf> {
        Some(PublicHalf::Ed25519(self.public_key()))
    }
}
