//! The keystore's file: versioned, read strictly, authenticated as a whole.

use cyberid_crypto::{base64url, digest, json};
use cyberid_domain::secret::SecretBytes;
use serde::{Deserialize, Serialize};

use crate::entry::Entry;
use crate::error::KeystoreError;
use crate::kdf::{FileKeys, KdfCost, SALT};

/// The version of the file that this program writes and reads.
const VERSION: u64 = 1;

/// What leads from the passphrase to the keys of one file.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Derivation {
    algorithm: Algorithm,
    cost: KdfCost,
    salt: String,
}

#[derive(Clone, Serialize, Deserialize)]
enum Algorithm {
    #[serde(rename = "argon2id")]
    Argon2id,
}

impl Derivation {
    /// Argon2id at a cost and with a fresh salt.
    pub(crate) fn new(cost: KdfCost, salt: [u8; SALT]) -> Self {
        Self {
            algorithm: Algorithm::Argon2id,
            cost,
            salt: base64url::encode(&salt),
        }
    }

    /// The keys of a passphrase.
    pub(crate) fn keys(&self, passphrase: &SecretBytes) -> Result<FileKeys, KeystoreError> {
        let salt = base64url::decode_array(&self.salt).ok_or(KeystoreError::Corrupt)?;
        Ok(FileKeys::derive(passphrase, self.cost, &salt)?)
    }
}

/// The file as parsed: nothing in it is believed yet.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UncheckedFile {
    version: u64,
    derivation: Derivation,
    verifier: String,
    keys: Vec<Entry>,
    mac: String,
}

#[derive(Deserialize)]
struct Versioned {
    version: u64,
}

impl UncheckedFile {
    /// Reads the bytes that [`write`] made, in their one form.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, KeystoreError> {
        let Versioned { version } = serde_json::from_slice(bytes).map_err(|_| KeystoreError::Corrupt)?;
        if version != VERSION {
            return Err(KeystoreError::Version(version));
        }
        let file: Self = json::from_slice(bytes).map_err(|_| KeystoreError::Corrupt)?;
        if file.bytes() == bytes {
            Ok(file)
        } else {
            Err(KeystoreError::Corrupt)
        }
    }

    /// Derives the file's keys and checks the whole file under them.
    pub(crate) fn check(
        mut self,
        passphrase: &SecretBytes,
    ) -> Result<(Derivation, FileKeys, Vec<Entry>), KeystoreError> {
        let keys = self.derivation.keys(passphrase)?;
        let verifier = base64url::decode(&self.verifier).ok_or(KeystoreError::Corrupt)?;
        if !digest::equal(&verifier, keys.verifier.expose()) {
            return Err(KeystoreError::WrongPassphrase);
        }
        let mac = base64url::decode(&std::mem::take(&mut self.mac)).ok_or(KeystoreError::Corrupt)?;
        if !digest::equal(&mac, &self.mac(&keys)) {
            return Err(KeystoreError::Corrupt);
        }
        Ok((self.derivation, keys, self.keys))
    }

    /// The MAC over the file with an empty MAC.
    fn mac(&self, keys: &FileKeys) -> [u8; 32] {
        digest::hmac_parts(keys.seal.expose(), &[&self.bytes()])
    }

    #[expect(
        clippy::expect_used,
        reason = "strings, numbers and lists of them are always JSON"
    )]
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).expect("the file is JSON");
        bytes.push(b'\n');
        bytes
    }
}

/// The bytes of a file.
pub(crate) fn write(derivation: &Derivation, keys: &FileKeys, entries: &[Entry]) -> Vec<u8> {
    let mut file = UncheckedFile {
        version: VERSION,
        derivation: derivation.clone(),
        verifier: base64url::encode(keys.verifier.expose()),
        keys: entries.to_vec(),
        mac: String::new(),
    };
    file.mac = base64url::encode(&file.mac(keys));
    file.bytes()
}
