//! Why a keystore did not do what it was asked.

use std::io;
use std::path::{Path, PathBuf};

use cyberid_crypto::Suite;
use cyberid_crypto::key::KeyFailure;
use cyberid_domain::UnixTime;

use crate::entry::State;
use crate::kdf::InvalidCost;
use crate::role::RoleName;
use crate::token::TokenError;

/// Why a keystore did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeystoreError {
    /// The passphrase is wrong, or it is another token's list, or the salt, cost or verifier in the file was altered.
    #[error("the passphrase or the token does not open this keystore")]
    WrongPassphrase,
    /// The file was altered, cut off, or was not written by this program.
    #[error("the keystore file is damaged or was altered")]
    Corrupt,
    /// The file is of a version that this program does not know.
    #[error("the keystore file has version {0}, which this program does not know")]
    Version(u64),
    /// A keystore is to be created where one is.
    #[error("{} exists already", .0.display())]
    Exists(PathBuf),
    /// A keystore is to be opened where none is.
    #[error("there is no keystore at {}", .0.display())]
    Missing(PathBuf),
    /// Another process, or another part of this one, has the keystore open.
    #[error("the keystore in {} is in use by another process", .0.display())]
    InUse(PathBuf),
    /// The keys of this keystore were made for another suite than was asked for.
    #[error(
        "the keys here are of the suite `{kept}`, which is chosen once and stays; asked for was `{asked}`"
    )]
    AnotherSuite {
        /// The suite of its keys.
        kept: Suite,
        /// The suite that was asked for.
        asked: Suite,
    },
    /// This keystore holds no key of the role.
    #[error("this keystore holds no key of the role {0}")]
    NoKey(RoleName),
    /// This keystore holds no key of the id.
    #[error("this keystore holds no key with the id {0}")]
    UnknownKey(String),
    /// The key's state does not allow what was asked: an active key is rotated before it is destroyed.
    #[error("the key {id} is {state}")]
    State {
        /// The key.
        id: String,
        /// Its state, in which it stays.
        state: State,
    },
    /// The role has a key already.
    #[error("the role {0} has a key already")]
    HasKey(RoleName),
    /// The role's next key has to be published for a while before it is used.
    #[error("the next key of the role {role} is not published for long enough")]
    NotAnnounced {
        /// The role.
        role: RoleName,
        /// From when on it can be used; nothing if there is no next key.
        from: Option<UnixTime>,
    },
    /// The ceremony was held already.
    #[error("this ceremony was held already")]
    CeremonyHeld,
    /// A passphrase was given for the keys of a token, or a token for those of a passphrase; or it was to be sealed anew
    /// while another process may have it open.
    #[error("this keystore is of another kind, or is opened in another way, than this asks for")]
    OtherKind,
    /// A key does not do its work.
    #[error(transparent)]
    Failed(#[from] KeyFailure),
    /// The token did not do what it was asked.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The cost of the key derivation is out of bounds.
    #[error(transparent)]
    Cost(#[from] InvalidCost),
    /// The file system refused; nothing has changed.
    #[error("{}: {kind}", path.display())]
    Io {
        /// What was worked on.
        path: PathBuf,
        /// The system's reason.
        kind: io::ErrorKind,
    },
    /// The new file may or may not have replaced the old one: open the keystore again to see.
    #[error("it is unknown whether {} was written: {kind}", path.display())]
    Unconfirmed {
        /// The keystore's file.
        path: PathBuf,
        /// The system's reason.
        kind: io::ErrorKind,
    },
    /// An earlier write ended unconfirmed; this keystore writes no more until it is opened again.
    #[error("an earlier write ended unconfirmed; open the keystore again")]
    Halted,
}

impl KeystoreError {
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |error| Self::Io {
            path: path.into(),
            kind: error.kind(),
        }
    }

    pub(crate) fn unconfirmed(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |error| Self::Unconfirmed {
            path: path.into(),
            kind: error.kind(),
        }
    }
}
