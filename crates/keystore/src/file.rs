//! The list of keys as a file: versioned, read strictly, authenticated as a whole.

use std::sync::Arc;

use cyberid_crypto::{Suite, base64url, digest, json};
use serde::{Deserialize, Serialize};

use crate::entry::Entry;
use crate::error::KeystoreError;
use crate::machine::{Custody, Machine};
use crate::unlock::Unlock;

/// The version of the file that this program writes and reads.
const VERSION: u64 = 1;

/// What a keystore knows of its keys.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct List {
    pub(crate) keys: Vec<Entry>,
    /// The digests of the ceremonies that were held, so that none is held twice.
    pub(crate) ceremonies: Vec<String>,
}

impl List {
    /// The suite that the keys were made for, if there are any.
    pub(crate) fn suite(&self) -> Result<Option<Suite>, KeystoreError> {
        let mut suites = self.keys.iter().map(|entry| entry.suite);
        let first = suites.next();
        if suites.all(|suite| Some(suite) == first) {
            Ok(first)
        } else {
            Err(KeystoreError::Corrupt)
        }
    }
}

/// The file as parsed: nothing in it is believed yet.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UncheckedFile {
    version: u64,
    derivation: Custody,
    verifier: String,
    keys: Vec<Entry>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    ceremonies: Vec<String>,
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

    /// Reaches the machine that the file names, and checks the whole file by it.
    pub(crate) fn check(self, unlock: &Unlock) -> Result<(Arc<dyn Machine>, List), KeystoreError> {
        let machine = unlock.machine(&self.derivation)?;
        let list = self.check_by(&*machine)?;
        Ok((machine, list))
    }

    /// Checks the whole file by the machine of an earlier one.
    pub(crate) fn check_by(mut self, machine: &dyn Machine) -> Result<List, KeystoreError> {
        let verifier = base64url::decode(&self.verifier).ok_or(KeystoreError::Corrupt)?;
        if self.derivation != *machine.custody() || !digest::equal(&verifier, &machine.verifier()?) {
            return Err(KeystoreError::WrongPassphrase);
        }
        let mac = base64url::decode(&std::mem::take(&mut self.mac)).ok_or(KeystoreError::Corrupt)?;
        if !digest::equal(&mac, &machine.authenticate(&self.bytes())?) {
            return Err(KeystoreError::Corrupt);
        }
        Ok(List {
            keys: self.keys,
            ceremonies: self.ceremonies,
        })
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
pub(crate) fn write(machine: &dyn Machine, list: &List) -> Result<Vec<u8>, KeystoreError> {
    let mut file = UncheckedFile {
        version: VERSION,
        derivation: machine.custody().clone(),
        verifier: base64url::encode(&machine.verifier()?),
        keys: list.keys.clone(),
        ceremonies: list.ceremonies.clone(),
        mac: String::new(),
    };
    file.mac = base64url::encode(&machine.authenticate(&file.bytes())?);
    Ok(file.bytes())
}
