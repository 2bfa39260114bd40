//! The two stores with shares in them, as backups and the state of their seals see them.

use std::path::Path;

use cyberid_domain::id::SubjectId;
use cyberid_storage::key_holder::KeyHolderStore as _;
use cyberid_storage::seals::ShareSeals;
use cyberid_storage::{Result, Synchronous};
use cyberid_storage_sqlite::{Bound, CustodianDb, OpenError, VaultDb};
use serde::{Deserialize, Serialize};

/// How many subjects are looked at at once.
const BATCH: u32 = 1_000;

/// A store with shares in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StoreName {
    /// `vault.db`.
    Vault,
    /// `custodian.db`.
    Custodian,
}

impl StoreName {
    /// Both.
    pub(crate) const ALL: [Self; 2] = [Self::Vault, Self::Custodian];

    /// Its name.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Vault => "vault",
            Self::Custodian => "custodian",
        }
    }

    /// The name of its file.
    pub(crate) fn file(self) -> String {
        format!("{}.db", self.as_str())
    }
}

/// A store with shares in it, open.
#[derive(Clone)]
pub(crate) enum ShareDb {
    Vault(VaultDb),
    Custodian(CustodianDb),
}

impl ShareDb {
    /// Opens a store at this path.
    pub(crate) async fn open(name: StoreName, path: &Path) -> std::result::Result<Self, OpenError> {
        Ok(match name {
            StoreName::Vault => Self::Vault(VaultDb::open_with(path, Synchronous::Full).await?),
            StoreName::Custodian => Self::Custodian(CustodianDb::open_with(path, Synchronous::Full).await?),
        })
    }

    /// Which.
    pub(crate) fn name(&self) -> StoreName {
        match self {
            Self::Vault(_) => StoreName::Vault,
            Self::Custodian(_) => StoreName::Custodian,
        }
    }

    /// Its shares by their keys.
    pub(crate) fn seals(&self) -> &dyn ShareSeals {
        match self {
            Self::Vault(store) => store,
            Self::Custodian(store) => store,
        }
    }

    /// Writes all that stands in it at one moment into a new file.
    pub(crate) async fn snapshot(&self, path: &Path) -> std::result::Result<(), OpenError> {
        match self {
            Self::Vault(store) => store.snapshot(path).await,
            Self::Custodian(store) => store.snapshot(path).await,
        }
    }

    /// Erases every record of which this is true; how many there were, and how many of them were erased.
    pub(crate) async fn erase_if(&self, is_erased: impl Fn(&SubjectId) -> bool) -> Result<(u64, u64)> {
        let (mut all, mut erased, mut after) = (0, 0, None);
        loop {
            let subjects = self.subjects(after.as_ref()).await?;
            let Some(last) = subjects.last() else {
                return Ok((all, erased));
            };
            after = Some(*last);
            for subject in subjects {
                all += 1;
                if is_erased(&subject) {
                    self.erase(&subject).await?;
                    erased += 1;
                }
            }
        }
    }

    /// Unbinds every bound device of which this is true; how many.
    pub(crate) async fn unbind_if(&self, is_unbound: impl Fn(&SubjectId, &str) -> bool) -> Result<u64> {
        let (mut unbound, mut after) = (0, String::new());
        loop {
            let devices = self.bound_devices(&after).await?;
            let Some(last) = devices.last() else {
                return Ok(unbound);
            };
            after.clone_from(&last.jkt);
            for Bound { jkt, subject, key } in devices {
                if is_unbound(&subject, &jkt) {
                    self.unbind(&subject, &jkt, &key).await?;
                    unbound += 1;
                }
            }
        }
    }

    async fn subjects(&self, after: Option<&SubjectId>) -> Result<Vec<SubjectId>> {
        match self {
            Self::Vault(store) => store.subjects(after, BATCH).await,
            Self::Custodian(store) => store.subjects(after, BATCH).await,
        }
    }

    async fn bound_devices(&self, after: &str) -> Result<Vec<Bound>> {
        match self {
            Self::Vault(store) => store.bound_devices(after, BATCH).await,
            Self::Custodian(store) => store.bound_devices(after, BATCH).await,
        }
    }

    async fn unbind(&self, subject: &SubjectId, jkt: &str, key: &[u8; 65]) -> Result<()> {
        match self {
            Self::Vault(store) => store.unbind(subject, jkt, key).await,
            Self::Custodian(store) => store.unbind(subject, jkt, key).await,
        }
    }

    async fn erase(&self, subject: &SubjectId) -> Result<()> {
        match self {
            Self::Vault(store) => store.erase(subject).await,
            Self::Custodian(store) => store.erase(subject).await,
        }
    }

    /// Ends all connections; the file is then whole without its log.
    pub(crate) async fn close(&self) {
        match self {
            Self::Vault(store) => store.close().await,
            Self::Custodian(store) => store.close().await,
        }
    }
}
