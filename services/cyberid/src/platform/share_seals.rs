//! Which keys the shares in a data directory are sealed to, and when an old one may go.

use std::collections::BTreeSet;

use cyberid_crypto::base64url;
use cyberid_keystore::{KeyInfo, Keystore, KeystoreError, RoleName, State};
use serde::Serialize;

use super::DataDirectory;
use super::backup::{BackupError, ShareDb, StoreName};

/// The shares that are sealed to one key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct SealedShares {
    /// Whose shares.
    pub(crate) store: StoreName,
    /// The key's thumbprint.
    pub(crate) key: String,
    /// The key's state; nothing for one that is not in the keystore.
    pub(crate) state: Option<String>,
    /// How many.
    pub(crate) shares: u64,
}

impl SealedShares {
    /// Whether this is the key that others seal to now.
    pub(crate) fn is_current(&self) -> bool {
        self.state.as_deref() == Some(State::Active.as_str())
    }
}

/// Why a key was not destroyed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RetireError {
    /// Shares are sealed to it.
    #[error(
        "{shares} shares of the {role} are sealed to the key {id} still: without it they never open again"
    )]
    InUse {
        /// The key's role.
        role: RoleName,
        /// The key.
        id: String,
        /// How many shares.
        shares: u64,
    },
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] BackupError),
    /// The keystore refuses.
    #[error(transparent)]
    Keystore(#[from] KeystoreError),
}

/// The shares in a data directory under each key that one is sealed to or could be: the active and the retained ones.
pub(crate) async fn share_seals(
    data: &DataDirectory,
    keys: &[KeyInfo],
) -> Result<Vec<SealedShares>, BackupError> {
    let mut all = Vec::new();
    for store in StoreName::ALL {
        let path = data.file(&store.file());
        if path.exists() {
            let db = ShareDb::open(store, &path).await?;
            let counted = count(&db, keys).await;
            db.close().await;
            all.extend(counted?);
        }
    }
    Ok(all)
}

/// Refuses to let a key of a share store go that shares are sealed to; a key of another role is none of its business.
pub(crate) async fn require_unused(data: &DataDirectory, key: &KeyInfo) -> Result<(), RetireError> {
    let Some(store) = store_of(key.role) else {
        return Ok(());
    };
    let seals = share_seals(data, std::slice::from_ref(key)).await?;
    let sealed = seals
        .iter()
        .find(|sealed| sealed.store == store && sealed.key == key.id);
    match sealed {
        Some(SealedShares { shares, .. }) if *shares > 0 => Err(RetireError::InUse {
            role: key.role,
            id: key.id.clone(),
            shares: *shares,
        }),
        _ => Ok(()),
    }
}

/// Destroys the retained keys of the share stores, if no share is sealed to any of them; their ids.
pub(crate) async fn retire(data: &DataDirectory, keystore: &Keystore) -> Result<Vec<String>, RetireError> {
    let keys = keystore.list().into_iter();
    let old: Vec<KeyInfo> = keys
        .filter(|key| store_of(key.role).is_some() && key.state == State::Retained)
        .collect();
    for key in &old {
        require_unused(data, key).await?;
    }
    for key in &old {
        keystore.destroy(&key.id)?;
    }
    Ok(old.into_iter().map(|key| key.id).collect())
}

const fn role_of(store: StoreName) -> RoleName {
    match store {
        StoreName::Vault => RoleName::Vault,
        StoreName::Custodian => RoleName::Custodian,
    }
}

fn store_of(role: RoleName) -> Option<StoreName> {
    StoreName::ALL.into_iter().find(|store| role_of(*store) == role)
}

async fn count(db: &ShareDb, keys: &[KeyInfo]) -> Result<Vec<SealedShares>, BackupError> {
    let (store, role) = (db.name(), role_of(db.name()));
    let of_role = || keys.iter().filter(|key| key.role == role);
    let held = of_role().filter(|key| matches!(key.state, State::Active | State::Retained));
    let mut thumbprints: BTreeSet<[u8; 32]> = db.seals().seal_keys().await?.into_iter().collect();
    thumbprints.extend(held.filter_map(|key| base64url::decode_array(&key.id)));
    let mut counted = Vec::new();
    for thumbprint in thumbprints {
        let key = base64url::encode(&thumbprint);
        let known = of_role().find(|known| known.id == key);
        counted.push(SealedShares {
            store,
            state: known.map(|known| known.state.as_str().to_owned()),
            shares: db.seals().sealed_to(&thumbprint).await?,
            key,
        });
    }
    Ok(counted)
}
