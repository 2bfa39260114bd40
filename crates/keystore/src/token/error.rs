//! Why a token did not do what it was asked.

use std::path::PathBuf;

use cryptoki::error::{Error, RvError};

/// Why a token did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The vendor's library cannot be loaded.
    #[error("the PKCS#11 module {} cannot be loaded: {why}", path.display())]
    Module {
        /// The library.
        path: PathBuf,
        /// What the loader or the library says.
        why: String,
    },
    /// No slot of the module has a token of this label.
    #[error("no token is labelled {0:?}")]
    NoToken(String),
    /// The PIN is wrong or locked; it is not tried again, for a token locks itself after a few wrong ones.
    #[error("the token does not take the PIN: {0}")]
    Pin(String),
    /// The token did not answer in time.
    #[error("the token did not answer in time")]
    Unanswered,
    /// The token has no object of this id.
    #[error("the token has no object {0:?}")]
    NoObject(String),
    /// What the token gave is not what was asked for.
    #[error("the token gave something that is no {0}")]
    Unfit(&'static str),
    /// The token refused.
    #[error("the token refused: {0}")]
    Refused(String),
}

impl From<Error> for TokenError {
    fn from(error: Error) -> Self {
        match error {
            Error::Pkcs11(rv @ (RvError::PinIncorrect | RvError::PinLocked | RvError::PinExpired), _) => {
                Self::Pin(format!("{rv:?}"))
            }
            Error::Pkcs11(rv, function) => Self::Refused(format!("{rv:?} of {function:?}")),
            other => Self::Refused(other.to_string()),
        }
    }
}
