//! Backups of the share stores, `vault.db` and `custodian.db`: a stream of their own, at most seven days long.
//!
//! Against a stolen backup (T5): it is encrypted to a key whose private half is kept offline, and after seven days it is
//! neither kept nor taken back. Against a backup that brings back what was erased: every erasure is noted, before it
//! happens, in a record beside the backups, and is repeated when one is put back; so is every device that was unbound. The ledger's head is in no backup.
//!
//! In scope: taking, keeping and putting back these backups. Not in scope: backups of the registry and the ledger, which
//! hold no plaintext and no share; whoever copies them leaves `head/` out.

mod erasures;
mod restore;
mod store;
mod stream;
mod take;

use std::path::{Path, PathBuf};

use cyberid_crypto::PublicKey;
use cyberid_domain::UnixTime;
use cyberid_domain::clock::DAY;
use serde::{Deserialize, Serialize};

use super::config::ConfigError;
use super::{DataDirectory, StartError};

pub(crate) use erasures::ErasureLog;
pub(crate) use restore::restore;
pub(crate) use store::{ShareDb, StoreName};
pub(crate) use take::{Backup, backups};

/// For how many seconds a backup is kept, and can be put back.
pub(crate) const LIFE: u64 = 7 * DAY;

/// How many hours pass between two backups when nobody says otherwise.
const EVERY_HOURS: u64 = 24;

/// The backups of the share stores of a process.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BackupConfig {
    /// Where backups and the record of erasures are: on another disk than the stores.
    folder: PathBuf,
    /// The public half of the key that opens them; the private half is kept offline.
    jwk: PublicKey,
    /// How many hours pass between two backups; 24 by default, 1 to 168.
    every_hours: Option<u64>,
}

/// Why a backup was not taken or put back.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BackupError {
    /// A file cannot be read or written.
    #[error("{}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// What is to be put back is not a backup, was altered, or is not for this key.
    #[error("{} is not a backup that this key opens, or was altered", .0.display())]
    DoesNotOpen(PathBuf),
    /// The backup is too old to be put back.
    #[error("{} was taken more than seven days ago: what it would bring back is not to come back", .0.display())]
    Expired(PathBuf),
    /// The backup says that it was taken later than now.
    #[error("{} was taken later than this clock says it is now", .0.display())]
    FromTheFuture(PathBuf),
    /// There is no record of erasures to repeat.
    #[error("there is no record of erasures at {}: without it a backup could bring back what was erased", .0.display())]
    NoErasures(PathBuf),
    /// The record of erasures was altered.
    #[error("the record of erasures at {} cannot be read in line {line}", path.display())]
    ErasuresAltered {
        /// Where it is.
        path: PathBuf,
        /// Where it stops making sense.
        line: usize,
    },
    /// A store is where one is to be put back.
    #[error("there is a store at {} already: move it away first", .0.display())]
    Occupied(PathBuf),
    /// The key to encrypt to cannot be used.
    #[error("the backup key cannot be used")]
    Key,
    /// A store does not open, or not as what it should be.
    #[error("the store does not open")]
    Open(#[from] cyberid_storage_sqlite::OpenError),
    /// A store failed.
    #[error(transparent)]
    Storage(#[from] cyberid_storage::StorageError),
}

impl BackupError {
    fn file(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |cause| Self::File {
            path: path.to_owned(),
            cause,
        }
    }
}

/// What stands at the beginning of a backup, for everybody to read and for nobody to change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Header {
    /// The version of the form.
    version: u32,
    /// Which store.
    pub(crate) store: StoreName,
    /// When its snapshot was begun.
    pub(crate) taken_at: UnixTime,
    /// The thumbprint of the key that opens it.
    kid: String,
    /// The content's key, sealed to that key, base64url.
    key: String,
}

impl BackupConfig {
    /// The record of erasures of a store; it is made at the first start.
    pub(crate) fn erasures(&self, store: StoreName) -> Result<ErasureLog, StartError> {
        let failed =
            |error: BackupError| StartError::other("the record of erasures cannot be kept")(error.into());
        ErasureLog::open(&self.folder, store).map_err(failed)
    }

    fn every(&self) -> Result<u64, ConfigError> {
        match self.every_hours.unwrap_or(EVERY_HOURS) {
            hours @ 1..=168 => Ok(hours * 3_600),
            _ => Err(ConfigError::Unusable {
                member: "backup.every_hours",
                why: "between 1 and 168 hours pass between two backups",
            }),
        }
    }

    /// Accepts what can be kept to.
    pub(crate) fn require_usable(&self) -> Result<(), ConfigError> {
        self.every().map(drop)
    }

    /// Takes a backup now.
    pub(crate) async fn take(
        &self,
        store: &ShareDb,
        data: &DataDirectory,
        now: UnixTime,
    ) -> Result<Backup, BackupError> {
        take::take(store, data.path(), &self.folder, self.jwk, now).await
    }

    /// Deletes what is too old, and takes a backup if the newest one is as old as was said.
    pub(crate) async fn keep(
        &self,
        store: &ShareDb,
        data: &DataDirectory,
        now: UnixTime,
    ) -> Result<(), BackupError> {
        take::prune(&self.folder, now)?;
        ErasureLog::open(&self.folder, store.name())?.forget(now)?;
        let mine = backups(&self.folder)?.into_iter();
        let newest = mine
            .filter(|backup| backup.store == store.name())
            .map(|backup| backup.taken_at)
            .max();
        let every = self.every().map_err(|_| BackupError::Key)?;
        if newest.is_none_or(|newest| now.since(newest) >= every) {
            self.take(store, data, now).await?;
        }
        Ok(())
    }
}

/// When this backup may not be put back any more.
fn is_over(taken_at: UnixTime, now: UnixTime) -> bool {
    now > taken_at.plus(LIFE)
}
