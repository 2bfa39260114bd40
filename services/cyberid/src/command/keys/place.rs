//! Which keystore a command is about, and what opens it.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use cyberid_crypto::Suite;
use cyberid_domain::clock::SystemClock;
use cyberid_domain::rng::SystemRng;
use cyberid_keystore::{Keystore, Unlock};

use crate::platform::{ConfigFile, DataDirectory, KeyOperator, PassphraseSource, StartError};
use crate::terminal::Show;

#[derive(Debug, Args)]
pub(in crate::command) struct Place {
    /// The data directory; else the one that the configuration names, or `data`.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The configuration file (TOML) of the process whose keys these are; with a PKCS#11 token it is needed.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A file with the passphrase, readable by its owner alone; else the variable `CYBERID_PASSPHRASE`.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub(in crate::command) json: bool,
}

/// A keystore's folder with what opens it.
pub(in crate::command) struct Found {
    pub(in crate::command) data: DataDirectory,
    pub(in crate::command) unlock: Unlock,
    /// Who signs ceremonies.
    pub(in crate::command) operators: Vec<KeyOperator>,
}

impl Place {
    /// Finds it.
    pub(in crate::command) fn find(&self) -> Result<Found, StartError> {
        self.find_in(None)
    }

    /// The same, its keys to be of this suite, or of the one that the configuration says.
    pub(in crate::command) fn find_in(&self, suite: Option<Suite>) -> Result<Found, StartError> {
        let file = self.file()?;
        let suite = file.platform.suite(suite)?;
        let data = self.data.clone().or_else(|| file.data.clone());
        let data = DataDirectory::open(&data.unwrap_or_else(|| "data".into()))?.with_suite(suite);
        let named = self
            .passphrase_file
            .as_deref()
            .or(file.passphrase_file.as_deref());
        let source = PassphraseSource::choose(named, &data);
        Ok(Found {
            unlock: file.keystore.unlock(&source, &data)?,
            data,
            operators: file.keystore.operators,
        })
    }

    /// Who signs ceremonies.
    pub(in crate::command) fn operators(&self) -> Result<Vec<KeyOperator>, StartError> {
        Ok(self.file()?.keystore.operators)
    }

    /// How results are shown.
    pub(in crate::command) const fn show(&self) -> Show {
        Show::json(self.json)
    }

    fn file(&self) -> Result<ConfigFile, StartError> {
        let file = self.config.as_deref().map(ConfigFile::load).transpose()?;
        Ok(file.unwrap_or_default())
    }
}

impl Found {
    /// Where the list of keys is.
    pub(in crate::command) fn folder(&self) -> Result<PathBuf, StartError> {
        Ok(self.data.folder("keys")?.path().to_owned())
    }

    /// Opens the keystore beside whoever serves with its keys.
    pub(in crate::command) fn administer(&self) -> Result<Keystore, StartError> {
        let (clock, rng) = (Arc::new(SystemClock), Arc::new(SystemRng));
        Ok(Keystore::administer(&self.folder()?, &self.unlock, clock, rng)?)
    }
}
