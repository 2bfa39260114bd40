//! `cyberid keys`

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use cyberid_domain::UnixTime;
use cyberid_keystore::{Keystore, PublicHalf, RoleName};
use cyberid_tlog::note::{SignatureType, VerifierKey};
use serde_json::{Value, json};

use super::Outcome;
use crate::platform::{DataDirectory, PassphraseSource, roles};
use crate::terminal::Show;

/// Make and list the private keys of a data directory.
///
/// The key holders pin each other's public keys: make the keys of each process first, then write the configurations.
#[derive(Debug, Subcommand)]
pub(crate) enum Keys {
    /// Make the keys that a process needs, where they are missing, and list them.
    Init(Init),
    /// List role, id, state, age and public half of each key.
    List(List),
}

#[derive(Debug, Args)]
pub(crate) struct Common {
    /// The data directory.
    #[arg(long, value_name = "DIR", default_value = "data")]
    data: PathBuf,
    /// A file with the passphrase, readable by its owner alone; else the variable `CYBERID_PASSPHRASE`.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// The ledger's name, to show its verifier key.
    #[arg(long, value_name = "NAME")]
    origin: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// Which process the keys are for.
    #[arg(long = "for", value_enum, default_value = "platform")]
    process: Process,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    common: Common,
}

/// A process with keys of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Process {
    /// Everything in one process.
    All,
    /// Everything but the two key holders.
    Platform,
    /// The vault.
    Vault,
    /// The custodian.
    Custodian,
}

impl Process {
    /// The roles that this process holds a key of.
    pub(crate) fn roles(self) -> Vec<RoleName> {
        match self {
            Self::All => [roles::PLATFORM, roles::VAULT, roles::CUSTODIAN].concat(),
            Self::Platform => roles::PLATFORM.to_vec(),
            Self::Vault => roles::VAULT.to_vec(),
            Self::Custodian => roles::CUSTODIAN.to_vec(),
        }
    }
}

impl Keys {
    pub(crate) fn run(self) -> Outcome {
        let (common, process) = match self {
            Self::Init(init) => (init.common, Some(init.process)),
            Self::List(list) => (list.common, None),
        };
        let data = DataDirectory::open(&common.data)?;
        let passphrase = PassphraseSource::choose(common.passphrase_file.as_deref(), &data).read(&data)?;
        if let Some(process) = process {
            data.keystore(&passphrase, &process.roles())?;
        }
        let folder = data.folder("keys")?;
        let keys = Keystore::inspect(folder.path(), &passphrase)?;
        let rows: Vec<Value> = keys
            .into_iter()
            .map(|key| {
                json!({
                    "role": key.role.as_str(), "id": key.id, "state": key.state.as_str(), "created": key.created,
                    "public": key.public.map(|half| public(&half, common.origin.as_deref())),
                })
            })
            .collect();
        Show::json(common.json).result(&rows, |rows| {
            rows.iter().map(words).collect::<Vec<_>>().join("\n")
        });
        Ok(ExitCode::SUCCESS)
    }
}

fn public(half: &PublicHalf, origin: Option<&str>) -> Value {
    match half {
        PublicHalf::P256(key) => json!(key),
        PublicHalf::Ed25519(key) => {
            let vkey = origin.and_then(|origin| VerifierKey::new(origin, SignatureType::Ed25519, key).ok());
            vkey.map_or(Value::Null, |vkey| json!(vkey.to_string()))
        }
    }
}

fn words(row: &Value) -> String {
    let text = |name: &str| {
        row.get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let created = row.get("created").and_then(Value::as_u64).unwrap_or_default();
    format!(
        "{:<14} {:<10} {}  made {}",
        text("role"),
        text("state"),
        text("id"),
        UnixTime(created).date()
    )
}
