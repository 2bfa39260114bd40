//! A file beside a database that the one process which writes it locks.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use crate::open::{FILE_MODE, OpenError, prepare_directory};

/// A lock that is held, or none. The database's own file is not locked: closing another opening of it would end the locks
/// that SQLite has on it.
#[derive(Clone, Default)]
pub(crate) struct Lock(Arc<Mutex<Option<File>>>);

impl Lock {
    /// Takes the lock of a database.
    pub(crate) fn take(database: &Path) -> Result<Self, OpenError> {
        prepare_directory(database).map_err(OpenError::File)?;
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(FILE_MODE)
            .open(database.with_extension("lock"))
            .map_err(OpenError::File)?;
        match file.try_lock() {
            Ok(()) => Ok(Self(Arc::new(Mutex::new(Some(file))))),
            Err(TryLockError::WouldBlock) => Err(OpenError::Locked(database.to_owned())),
            Err(TryLockError::Error(error)) => Err(OpenError::File(error)),
        }
    }

    /// Lets others take it.
    pub(crate) fn release(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}
