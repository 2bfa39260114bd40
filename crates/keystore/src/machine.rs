//! What keeps private halves: the one thing in which keystores differ.
//!
//! A machine either seals the private halves of keys that live in this process's memory while the keystore is open, or
//! keeps keys inside itself, where they are used and never seen. Which of the two, it says when a key is made.

use std::collections::BTreeSet;
use std::sync::Arc;

use cyberid_crypto::aead::NONCE;
use cyberid_crypto::{Agree, PublicKey, Sign};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::entry::Inside;
use crate::error::KeystoreError;
use crate::kdf::KdfCost;
use crate::note::Ed25519Key;
use crate::public::PublicHalf;
use crate::role::RoleName;

/// What leads to the machine that keeps the keys of one list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "algorithm", rename_all = "lowercase", deny_unknown_fields)]
pub(crate) enum Custody {
    /// A passphrase, by Argon2id.
    Argon2id {
        /// What one guess costs.
        cost: KdfCost,
        /// The salt, in base64url.
        salt: String,
    },
    /// A PKCS#11 token, in which all objects of this keystore carry this label.
    Pkcs11 {
        /// The label.
        objects: String,
    },
}

/// Keeps private halves.
pub(crate) trait Machine: Send + Sync {
    /// What leads to this machine, for the list of keys to say.
    fn custody(&self) -> &Custody;

    /// A value that only this machine makes: a list that holds it belongs to this machine.
    fn verifier(&self) -> Result<[u8; 32], KeystoreError>;

    /// Authenticates a list of keys.
    fn authenticate(&self, list: &[u8]) -> Result<[u8; 32], KeystoreError>;

    /// Seals a private half that lives outside, bound to `context`.
    fn seal(&self, nonce: [u8; NONCE], context: &[u8], secret: &[u8; 32]) -> Result<Vec<u8>, KeystoreError>;

    /// Opens what [`seal`](Self::seal) made with the same nonce and context.
    fn unseal(
        &self,
        nonce: [u8; NONCE],
        context: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<[u8; 32]>, KeystoreError>;

    /// Makes a key of the role inside the machine; nothing where keys of this role live outside.
    fn make_inside(&self, role: RoleName) -> Result<Option<(Inside, PublicHalf)>, KeystoreError> {
        let _ = role;
        Ok(None)
    }

    /// A key inside that signs.
    fn signing(&self, key: &Inside, public: PublicKey) -> Result<Arc<dyn Sign>, KeystoreError> {
        let _ = (key, public);
        Err(KeystoreError::Corrupt)
    }

    /// A key inside that agrees.
    fn agreement(&self, key: &Inside, public: PublicKey) -> Result<Arc<dyn Agree>, KeystoreError> {
        let _ = (key, public);
        Err(KeystoreError::Corrupt)
    }

    /// A key inside that signs notes.
    fn note(&self, key: &Inside, public: [u8; 32]) -> Result<Arc<Ed25519Key>, KeystoreError> {
        let _ = (key, public);
        Err(KeystoreError::Corrupt)
    }

    /// Destroys the keys inside that are not among `kept`: those that a list named before, and those that a crash left
    /// behind unnamed.
    fn sweep(&self, kept: &BTreeSet<&str>) -> Result<(), KeystoreError> {
        let _ = kept;
        Ok(())
    }
}
