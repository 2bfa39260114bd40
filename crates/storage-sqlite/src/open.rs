//! The file of a database before it is opened: made for its owner only, or missing.

use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// Why a database does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no such file, and none may be made.
    #[error("{} is missing", .0.display())]
    Missing(PathBuf),
    /// There is such a file, and a new one was asked for.
    #[error("{} exists already", .0.display())]
    Exists(PathBuf),
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

/// Whether the file has to be there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence {
    /// It is made if it is missing.
    Any,
    /// It must be there.
    Required,
    /// It must not be there.
    Forbidden,
}

const FILE_MODE: u32 = 0o600;
const DIRECTORY_MODE: u32 = 0o700;

/// Makes the file, or checks that it is there, and keeps it from everybody but its owner. SQLite gives the log
/// beside it the same mode.
pub(crate) fn prepare_file(path: &Path, presence: Presence) -> Result<(), OpenError> {
    if presence != Presence::Required {
        prepare_directory(path).map_err(OpenError::File)?;
    }
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(presence == Presence::Any)
        .create_new(presence == Presence::Forbidden)
        .truncate(false)
        .mode(FILE_MODE)
        .open(path)
        .map_err(|error| match error.kind() {
            ErrorKind::NotFound => OpenError::Missing(path.into()),
            ErrorKind::AlreadyExists => OpenError::Exists(path.into()),
            _ => OpenError::File(error),
        })?;
    file.set_permissions(Permissions::from_mode(FILE_MODE))
        .map_err(OpenError::File)
}

fn prepare_directory(path: &Path) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    directory.map_or(Ok(()), |directory| {
        DirBuilder::new()
            .recursive(true)
            .mode(DIRECTORY_MODE)
            .create(directory)
    })
}
