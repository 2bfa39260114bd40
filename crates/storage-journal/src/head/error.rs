//! Why a head does not open.

use std::io;
use std::path::PathBuf;

/// Why a head does not open.
#[derive(Debug, thiserror::Error)]
pub enum HeadError {
    /// Another process has it.
    #[error("another process has the ledger's head in {}", .0.display())]
    Locked(PathBuf),
    /// There is none, and none may be made: a log that has lost its head must not be signed again.
    #[error("the ledger's head is missing in {}", .0.display())]
    Missing(PathBuf),
    /// There is one, and a new one was asked for.
    #[error("there is a ledger's head in {} already", .0.display())]
    Exists(PathBuf),
    /// The directory or a file in it cannot be made or read.
    #[error("the ledger's head in {} cannot be made or read", directory.display())]
    File {
        /// Where it lies.
        directory: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
}
