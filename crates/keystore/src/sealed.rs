//! The machine of the encrypted file: every private half is sealed under a key that the passphrase leads to.

use std::sync::Arc;

use cyberid_crypto::aead::{self, NONCE};
use cyberid_crypto::{base64url, digest};
use cyberid_domain::secret::SecretBytes;
use zeroize::Zeroizing;

use crate::error::KeystoreError;
use crate::kdf::{FileKeys, KdfCost, SALT};
use crate::machine::{Custody, Machine};

/// The keys of one file.
pub(crate) struct SealedMachine {
    custody: Custody,
    keys: FileKeys,
}

impl SealedMachine {
    /// The machine of a passphrase, at a cost and with a fresh salt.
    pub(crate) fn derive(
        passphrase: &SecretBytes,
        cost: KdfCost,
        salt: [u8; SALT],
    ) -> Result<Arc<dyn Machine>, KeystoreError> {
        let custody = Custody::Argon2id {
            cost,
            salt: base64url::encode(&salt),
        };
        let keys = FileKeys::derive(passphrase, cost, &salt)?;
        Ok(Arc::new(Self { custody, keys }))
    }

    /// The machine of a passphrase, with the cost and the salt of a file.
    pub(crate) fn of(
        passphrase: &SecretBytes,
        cost: KdfCost,
        salt: &str,
    ) -> Result<Arc<dyn Machine>, KeystoreError> {
        let bytes = base64url::decode_array(salt).ok_or(KeystoreError::Corrupt)?;
        Self::derive(passphrase, cost, bytes)
    }
}

impl Machine for SealedMachine {
    fn custody(&self) -> &Custody {
        &self.custody
    }

    fn verifier(&self) -> Result<[u8; 32], KeystoreError> {
        Ok(*self.keys.verifier.expose())
    }

    fn authenticate(&self, list: &[u8]) -> Result<[u8; 32], KeystoreError> {
        Ok(digest::hmac_parts(self.keys.seal.expose(), &[list]))
    }

    fn seal(&self, nonce: [u8; NONCE], context: &[u8], secret: &[u8; 32]) -> Result<Vec<u8>, KeystoreError> {
        Ok(aead::encrypt(self.keys.wrap.expose(), nonce, context, secret))
    }

    fn unseal(
        &self,
        nonce: [u8; NONCE],
        context: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<[u8; 32]>, KeystoreError> {
        let opened = aead::decrypt(self.keys.wrap.expose(), nonce, context, sealed)
            .map_err(|_| KeystoreError::Corrupt)?;
        let secret = opened.as_slice().try_into().map_err(|_| KeystoreError::Corrupt)?;
        Ok(Zeroizing::new(secret))
    }
}
