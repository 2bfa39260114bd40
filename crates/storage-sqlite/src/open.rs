//! The file of a database before it is opened: made for its owner only.

use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// Why a database does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process writes it.
    #[error("another process has {}", .0.display())]
    Locked(PathBuf),
    /// The file or its directory cannot be made, or not be kept from others.
    #[error("the file of the database cannot be made for its owner only")]
    File(#[source] io::Error),
    /// SQLite does not open it.
    #[error("the database cannot be opened")]
    Database(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Its tables cannot be brought up to this version of the program.
    #[error("the database cannot be migrated")]
    Migration(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<sqlx::Error> for OpenError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(Box::new(error))
    }
}

impl From<sqlx::migrate::MigrateError> for OpenError {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        Self::Migration(Box::new(error))
    }
}

pub(crate) const FILE_MODE: u32 = 0o600;
const DIRECTORY_MODE: u32 = 0o700;

/// Makes the file if it is missing, and keeps it from everybody but its owner. SQLite gives the log beside it the same
/// mode.
pub(crate) fn prepare_file(path: &Path) -> Result<(), OpenError> {
    prepare_directory(path).map_err(OpenError::File)?;
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(FILE_MODE)
        .open(path)
        .map_err(OpenError::File)?;
    file.set_permissions(Permissions::from_mode(FILE_MODE))
        .map_err(OpenError::File)
}

pub(crate) fn prepare_directory(path: &Path) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    directory.map_or(Ok(()), |directory| {
        DirBuilder::new()
            .recursive(true)
            .mode(DIRECTORY_MODE)
            .create(directory)
    })
}
