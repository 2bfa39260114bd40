//! The data directory: where keys, stores and the ledger's head lie, and how they are opened.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use cyberid_crypto::Suite;
use cyberid_domain::clock::SystemClock;
use cyberid_domain::rng::SystemRng;
use cyberid_keystore::{KdfCost, Keystore, RoleName, Unlock, passphrase};
use cyberid_storage::Synchronous;

use super::StartError;

/// The variable that a passphrase may come from.
pub(crate) const PASSPHRASE_VARIABLE: &str = "CYBERID_PASSPHRASE";

/// A process's data directory.
#[derive(Debug, Clone)]
pub(crate) struct DataDirectory {
    path: PathBuf,
    synchronous: Synchronous,
    /// The suite that was asked for, if somebody said one.
    suite: Option<Suite>,
}

impl DataDirectory {
    /// The directory, made for its owner alone if it is not there.
    pub(crate) fn open(path: &Path) -> Result<Self, StartError> {
        use std::os::unix::fs::DirBuilderExt as _;
        let made = std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path);
        made.map_err(|cause| StartError::Directory {
            path: path.to_owned(),
            cause,
        })?;
        Ok(Self {
            path: path.to_owned(),
            synchronous: Synchronous::Full,
            suite: None,
        })
    }

    /// The same, saying when its stores sync what is written.
    #[must_use]
    pub(crate) fn with(self, synchronous: Synchronous) -> Self {
        Self { synchronous, ..self }
    }

    /// The same, its keys to be of this suite, or of the one that they are of already.
    #[must_use]
    pub(crate) fn with_suite(self, suite: Option<Suite>) -> Self {
        Self { suite, ..self }
    }

    /// The suite that new keys are made for.
    pub(crate) fn suite(&self) -> Suite {
        self.suite.unwrap_or_default()
    }

    /// When its stores sync what is written.
    pub(crate) fn synchronous(&self) -> Synchronous {
        self.synchronous
    }

    /// A file in it.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// A directory in it.
    pub(crate) fn folder(&self, name: &str) -> Result<Self, StartError> {
        let inside = Self::open(&self.path.join(name))?;
        Ok(inside.with(self.synchronous).with_suite(self.suite))
    }

    /// The path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the keystore, or makes it at the first start, with a key for each of `roles`.
    pub(crate) fn keystore(
        &self,
        unlock: impl Into<Unlock>,
        roles: &[RoleName],
    ) -> Result<Keystore, StartError> {
        let folder = self.folder("keys")?;
        let (clock, rng) = (Arc::new(SystemClock), Arc::new(SystemRng));
        let keystore = Keystore::open_or_create(folder.path(), unlock, KdfCost::RECOMMENDED, clock, rng)?;
        keystore.settle_suite(self.suite)?;
        keystore.ensure(roles)?;
        Ok(keystore)
    }
}

/// Where a passphrase comes from.
#[derive(Debug, Clone)]
pub(crate) enum PassphraseSource {
    /// A file that its owner alone can read.
    File(PathBuf),
    /// The environment.
    Environment,
    /// Made now, and kept in the data directory: for a sandbox.
    Generated,
}

impl PassphraseSource {
    /// The file that was named, else the environment, else the file that a sandbox left in the data directory.
    pub(crate) fn choose(file: Option<&Path>, data: &DataDirectory) -> Self {
        let left = data.file(passphrase::FILE);
        match file {
            Some(path) => Self::File(path.to_owned()),
            None if std::env::var_os(PASSPHRASE_VARIABLE).is_none() && left.exists() => Self::File(left),
            None => Self::Environment,
        }
    }

    /// The same, and one is made where there is none.
    pub(crate) fn choose_for_sandbox(file: Option<&Path>, data: &DataDirectory) -> Self {
        match Self::choose(file, data) {
            Self::Environment if std::env::var_os(PASSPHRASE_VARIABLE).is_none() => Self::Generated,
            chosen => chosen,
        }
    }

    /// The passphrase.
    pub(crate) fn read(&self, data: &DataDirectory) -> Result<Unlock, StartError> {
        Ok(Unlock::Passphrase(match self {
            Self::File(path) => passphrase::from_file(path)?,
            Self::Environment => passphrase::from_env(PASSPHRASE_VARIABLE)?,
            Self::Generated => passphrase::generate(data.path(), &SystemRng)?,
        }))
    }
}
