//! The platform put together: the only place that knows which database is used, and which service talks to which.

mod authorities;
mod backup;
mod compose;
mod config;
mod contract;
mod data;
mod door;
mod events;
mod evidence;
mod hardening;
mod index;
mod issuance;
mod key_holders;
mod keystore;
mod notices;
mod outside;
mod peers;
mod readiness;
pub(crate) mod roles;
mod sandbox;
mod sandbox_passports;
mod services;
mod share_seals;
mod share_upkeep;
mod source;
mod start;
mod stores;
mod succession;
mod suite;
mod surroundings;
pub(crate) mod turning;
mod upkeep;
mod witness;
mod witnessing;

use std::path::PathBuf;

pub(crate) use backup::{Backup, ShareDb, StoreName, backups, restore};
pub(crate) use compose::documents;
pub(crate) use config::{
    ClientCertificates, ConfigError, ConfigFile, IdentitySource, LedgerConfig, TlsFiles, WitnessConfig,
};
pub(crate) use data::{DataDirectory, PassphraseSource};
pub(crate) use door::{Door, Serving, Stop};
pub(crate) use hardening::ProcessConfig;
pub(crate) use key_holders::{serve_custodian, serve_vault};
pub(crate) use keystore::{KeyOperator, KeystoreConfig};
pub(crate) use outside::{SourceOptions, start_identity_source};
pub(crate) use sandbox::SandboxOptions;
pub(crate) use share_seals::{SealedShares, require_unused, retire, share_seals};
pub(crate) use start::{Platform, PlatformOptions};
pub(crate) use succession::{Names, succeed};
pub(crate) use witness::{WitnessFile, open_witness, start_witness};

/// Why a process does not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A directory cannot be made.
    #[error("the directory {} cannot be made", path.display())]
    Directory {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// The passphrase cannot be had.
    #[error(
        "the keystore's passphrase cannot be had: name a file with `passphrase_file`, or set CYBERID_PASSPHRASE"
    )]
    Passphrase(#[from] cyberid_keystore::passphrase::PassphraseError),
    /// The keystore does not open.
    #[error("the keystore does not open")]
    Keystore(#[from] cyberid_keystore::KeystoreError),
    /// A store does not open.
    #[error("a store does not open")]
    Store(#[from] cyberid_storage_sqlite::OpenError),
    /// The journal does not open.
    #[error("the journal does not open")]
    Journal(#[from] cyberid_storage_journal::OpenError),
    /// The ledger's head does not open.
    #[error("the ledger's head does not open")]
    Head(#[from] cyberid_storage_journal::HeadError),
    /// A store does not answer.
    #[error("a store does not answer")]
    Storage(#[from] cyberid_storage::StorageError),
    /// The ledger does not open.
    #[error("the ledger does not open")]
    Ledger(#[from] cyberid_ledger::LedgerError),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// Which.
        address: std::net::SocketAddr,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// Something else that the operator can see to.
    #[error("{what}")]
    Other {
        /// What failed.
        what: &'static str,
        /// Why.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl StartError {
    /// An error of `what`, with its cause.
    pub(crate) fn other(what: &'static str) -> impl FnOnce(Box<dyn std::error::Error + Send + Sync>) -> Self {
        move |cause| Self::Other { what, cause }
    }
}
