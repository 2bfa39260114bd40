//! `cyberid keys init` and `cyberid keys list`

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use cyberid_crypto::Suite;
use cyberid_keystore::{Keystore, RoleName};

use super::place::{Found, Place};
use super::row::{Row, words};
use crate::command::Outcome;
use crate::platform::roles;

const INIT: &str = "\
Examples:
  cyberid keys init --data vault --for vault --passphrase-file vault.passphrase
  cyberid keys init --config cyberid.toml --for all --json
  cyberid keys init --data custodian --for custodian --suite sm --passphrase-file custodian.passphrase";

const LIST: &str = "\
Examples:
  cyberid keys list --data /var/lib/cyberid --passphrase-file passphrase
  cyberid keys list --config cyberid.toml --origin id.example/ledger --json";

/// Make the keys that a process needs, where they are missing, and list them.
///
/// The key holders pin each other's public keys: make the keys of each process first, then write the configurations.
#[derive(Debug, Args)]
#[command(after_long_help = INIT)]
pub(crate) struct Init {
    /// Which process the keys are for.
    #[arg(long = "for", value_enum, default_value = "platform")]
    process: Process,
    /// The suite of algorithms: `nist`, or `sm` (SM2, SM3, SM4), the same in every process of a platform. Chosen with the
    /// first key; it stays what it was [default: what the configuration says, else `nist`].
    #[arg(long, value_name = "SUITE")]
    suite: Option<Suite>,
    #[command(flatten)]
    listed: Listed,
}

/// List role, state, place, id and age of each key, also while another process has them open.
///
/// The place is where the private half is: `memory` (sealed in the list, and in the process's memory), `token`, or
/// `destroyed`. With `--json` the public half as well.
#[derive(Debug, Args)]
#[command(after_long_help = LIST)]
pub(crate) struct List {
    #[command(flatten)]
    listed: Listed,
}

#[derive(Debug, Args)]
struct Listed {
    #[command(flatten)]
    place: Place,
    /// The ledger's name, to show its verifier key.
    #[arg(long, value_name = "NAME")]
    origin: Option<String>,
}

/// A process with keys of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Process {
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
    pub(super) fn roles(self) -> Vec<RoleName> {
        match self {
            Self::All => [roles::PLATFORM, roles::VAULT, roles::CUSTODIAN].concat(),
            Self::Platform => roles::PLATFORM.to_vec(),
            Self::Vault => roles::VAULT.to_vec(),
            Self::Custodian => roles::CUSTODIAN.to_vec(),
        }
    }
}

impl Init {
    pub(super) fn run(self) -> Outcome {
        let found = self.listed.place.find_in(self.suite)?;
        found.data.keystore(&found.unlock, &self.process.roles())?;
        self.listed.show(&found)
    }
}

impl List {
    pub(super) fn run(self) -> Outcome {
        self.listed.show(&self.listed.place.find()?)
    }
}

impl Listed {
    fn show(&self, found: &Found) -> Outcome {
        let keys = Keystore::inspect(&found.folder()?, &found.unlock)?;
        let rows = Row::all(keys, self.origin.as_deref());
        self.place.show().result(&rows, |rows| words(rows));
        Ok(ExitCode::SUCCESS)
    }
}
