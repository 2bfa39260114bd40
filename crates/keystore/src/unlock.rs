//! What opens a keystore.

use std::path::PathBuf;
use std::sync::Arc;

use cyberid_domain::Rng;
use cyberid_domain::rng::random;
use cyberid_domain::secret::SecretBytes;

use crate::error::KeystoreError;
use crate::kdf::KdfCost;
use crate::machine::{Custody, Machine};
use crate::sealed::SealedMachine;
use crate::token::TokenMachine;

/// What opens a keystore.
#[derive(Debug, Clone)]
pub enum Unlock {
    /// The passphrase of an encrypted file.
    Passphrase(SecretBytes),
    /// A PKCS#11 token.
    Token(TokenAccess),
}

/// How a PKCS#11 token is reached.
#[derive(Debug, Clone)]
pub struct TokenAccess {
    /// The vendor's library.
    pub module: PathBuf,
    /// The token's label.
    pub label: String,
    /// The PIN of the token's user.
    pub pin: SecretBytes,
}

impl From<&SecretBytes> for Unlock {
    fn from(passphrase: &SecretBytes) -> Self {
        Self::Passphrase(passphrase.clone())
    }
}

impl From<&Self> for Unlock {
    fn from(unlock: &Self) -> Self {
        unlock.clone()
    }
}

impl Unlock {
    /// A machine for a new keystore; the cost is that of a guess at a passphrase.
    pub(crate) fn begin(&self, cost: KdfCost, rng: &dyn Rng) -> Result<Arc<dyn Machine>, KeystoreError> {
        match self {
            Self::Passphrase(passphrase) => SealedMachine::derive(passphrase, cost, random(rng)),
            Self::Token(access) => TokenMachine::begin(access, rng),
        }
    }

    /// The machine that a list of keys names.
    pub(crate) fn machine(&self, custody: &Custody) -> Result<Arc<dyn Machine>, KeystoreError> {
        match (self, custody) {
            (Self::Passphrase(passphrase), Custody::Argon2id { cost, salt }) => {
                SealedMachine::of(passphrase, *cost, salt)
            }
            (Self::Token(access), Custody::Pkcs11 { objects }) => TokenMachine::of(access, objects),
            _ => Err(KeystoreError::OtherKind),
        }
    }
}
