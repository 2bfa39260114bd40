//! Why a journal does not open, or takes nothing more.

use std::io;
use std::path::{Path, PathBuf};

/// Why a journal does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it.
    #[error("another process has the journal in {}", .0.display())]
    Locked(PathBuf),
    /// A file or the directory cannot be made, read or written.
    #[error("{} cannot be made, read or written", file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// A segment was sealed under no key of this keystore, or its first page was altered.
    #[error("{} was sealed under another keystore's key, or altered", .0.display())]
    Foreign(PathBuf),
    /// A segment was altered: a group in it does not open, though one after it does.
    #[error("{} was altered at page {page}: what was recorded there is lost", file.display())]
    Altered {
        /// Which.
        file: PathBuf,
        /// The page, of 4096 bytes, that the group begins at.
        page: u64,
    },
    /// A group is sealed as it should be, and says what this version does not know.
    #[error("{} holds at page {page} what another version of this program recorded", file.display())]
    NotUnderstood {
        /// Which.
        file: PathBuf,
        /// The page, of 4096 bytes, that the group begins at.
        page: u64,
    },
}

impl OpenError {
    /// An error of a file.
    pub(crate) fn file(file: &Path, cause: io::Error) -> Self {
        Self::File {
            file: file.to_owned(),
            cause,
        }
    }
}

/// The journal takes nothing more in this process: a write or a sync failed, or it was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the journal has stopped")]
pub(crate) struct Stopped;
