//! Reading what a command is given: a file, or standard input for `-`.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

/// Why an input cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InputError {
    /// It cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// It is not text.
    #[error("{} is not text in UTF-8", path.display())]
    NotText {
        /// Which.
        path: PathBuf,
    },
}

/// The bytes of a file, or of standard input for `-`; they are wiped afterwards.
pub(crate) fn read_bytes(path: &Path) -> Result<Zeroizing<Vec<u8>>, InputError> {
    let mut bytes = Zeroizing::new(Vec::new());
    let read = if path == Path::new("-") {
        std::io::stdin().read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|mut file| file.read_to_end(&mut bytes))
    };
    let unreadable = |cause| InputError::Unreadable {
        path: path.to_owned(),
        cause,
    };
    read.map(|_| bytes).map_err(unreadable)
}

/// A message as it was given, or from standard input for `-`; blanks around it are dropped.
pub(crate) fn read_text(given: &str) -> Result<String, InputError> {
    if given != "-" {
        return Ok(given.trim().to_owned());
    }
    read_text_of(Path::new("-"))
}

/// The text of a file, or of standard input for `-`; blanks around it are dropped.
pub(crate) fn read_text_of(path: &Path) -> Result<String, InputError> {
    let bytes = read_bytes(path)?;
    let text = str::from_utf8(&bytes).map_err(|_| InputError::NotText {
        path: path.to_owned(),
    })?;
    Ok(text.trim().to_owned())
}
