//! `cyberid keys`

mod ceremony;
mod change;
mod check;
mod init;
pub(super) mod place;
mod rekey;
mod row;

use clap::Subcommand;

use super::Outcome;

const HELP: &str = "\
Examples:
  cyberid keys init --data /var/lib/cyberid --passphrase-file passphrase
  cyberid keys prepare --data /var/lib/cyberid attestation
  cyberid keys rotate --data /var/lib/cyberid attestation
  cyberid keys check --config cyberid.toml --json";

/// Make, list, try and change the private keys of a data directory.
///
/// The keystore is an encrypted file, or a PKCS#11 token that the configuration names; docs/keys.md says which role has
/// its keys where. A running process takes over what is changed within a second.
#[derive(Debug, Subcommand)]
#[command(after_long_help = HELP)]
pub(crate) enum Keys {
    // Each command describes itself: a description here would hide its own.
    Init(init::Init),
    List(init::List),
    Check(check::Check),
    Prepare(change::Prepare),
    Rotate(change::Rotate),
    Revoke(change::Revoke),
    Rekey(rekey::Rekey),
    SignCeremony(ceremony::SignCeremony),
    Ceremony(ceremony::Ceremony),
}

impl Keys {
    pub(crate) async fn run(self) -> Outcome {
        match self {
            Self::Init(init) => init.run(),
            Self::List(list) => list.run(),
            Self::Check(check) => check.run(),
            Self::Prepare(prepare) => prepare.run(),
            Self::Rotate(rotate) => rotate.run(),
            Self::Revoke(revoke) => revoke.run().await,
            Self::Rekey(rekey) => rekey.run(),
            Self::SignCeremony(sign) => sign.run(),
            Self::Ceremony(ceremony) => ceremony.run().await,
        }
    }
}
