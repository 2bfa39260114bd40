//! The vendor's library, loaded once per process: PKCS#11 knows one application, whatever opens it.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::MechanismType;
use cryptoki::slot::Slot;

use super::error::TokenError;

/// The libraries that this process has begun to use; they stay until it ends.
static LOADED: Mutex<Vec<(PathBuf, Pkcs11)>> = Mutex::new(Vec::new());

/// A token of a library.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) module: Pkcs11,
    pub(super) slot: Slot,
}

impl Place {
    /// The token of this label.
    pub(super) fn find(path: &Path, label: &str) -> Result<Self, TokenError> {
        let module = load(path)?;
        for slot in module.get_slots_with_initialized_token()? {
            if module.get_token_info(slot)?.label() == label {
                return Ok(Self { module, slot });
            }
        }
        Err(TokenError::NoToken(label.to_owned()))
    }

    /// Whether the token makes Ed25519 keys and signs with them.
    pub(super) fn knows_ed25519(&self) -> Result<bool, TokenError> {
        let known = self.module.get_mechanism_list(self.slot)?;
        Ok([MechanismType::ECC_EDWARDS_KEY_PAIR_GEN, MechanismType::EDDSA]
            .iter()
            .all(|mechanism| known.contains(mechanism)))
    }
}

fn load(path: &Path) -> Result<Pkcs11, TokenError> {
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, module)) = loaded.iter().find(|(known, _)| known == path) {
        return Ok(module.clone());
    }
    let failed = |error: Error| TokenError::Module {
        path: path.to_owned(),
        why: error.to_string(),
    };
    let module = Pkcs11::new(path).map_err(failed)?;
    match module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
        Err(error) => return Err(failed(error)),
    }
    loaded.push((path.to_owned(), module.clone()));
    Ok(module)
}
