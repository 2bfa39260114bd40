//! `cyberid keys check`

use std::process::ExitCode;

use clap::Args;
use cyberid_keystore::{KeyInfo, Keystore, RoleName, State};
use serde::Serialize;

use super::init::Process;
use super::place::Place;
use crate::command::Outcome;

const HELP: &str = "\
Examples:
  cyberid keys check --data /var/lib/cyberid --passphrase-file passphrase
  cyberid keys check --config cyberid.toml --for all --json

Exit codes:
  0  every role's key does its work
  1  some key does not, or is missing; or an error
  2  the command line is wrong";

/// Try every role's active key: it signs what verifies, opens what is sealed to it, derives the same twice.
///
/// In the configuration that the process runs with, and also while it runs. Nothing is changed.
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct Check {
    /// Which process's roles have to be there; by default those that are.
    #[arg(long = "for", value_enum)]
    process: Option<Process>,
    #[command(flatten)]
    place: Place,
}

/// How a role's key did.
#[derive(Debug, Serialize)]
struct Tried {
    role: &'static str,
    id: Option<String>,
    place: Option<&'static str>,
    works: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl Check {
    pub(super) fn run(self) -> Outcome {
        let keystore = self.place.find()?.administer()?;
        let keys = keystore.list();
        let active = keys.iter().filter(|key| key.state == State::Active);
        let roles = self
            .process
            .map_or_else(|| active.map(|key| key.role).collect::<Vec<_>>(), Process::roles);
        let tried: Vec<_> = roles
            .into_iter()
            .map(|role| Tried::of(&keystore, &keys, role))
            .collect();
        self.place.show().result(&tried, |tried| {
            let lines: Vec<_> = tried.iter().map(Tried::words).collect();
            lines.join("\n")
        });
        if tried.iter().all(|tried| tried.works) {
            Ok(ExitCode::SUCCESS)
        } else {
            Ok(ExitCode::FAILURE)
        }
    }
}

impl Tried {
    fn of(keystore: &Keystore, keys: &[KeyInfo], role: RoleName) -> Self {
        let mut of_role = keys.iter().filter(|key| key.role == role);
        let active = of_role.find(|key| key.state == State::Active);
        let tried = keystore.check(role);
        Self {
            role: role.as_str(),
            id: active.map(|key| key.id.clone()),
            place: active.map(|key| key.place.as_str()),
            works: tried.is_ok(),
            error: tried.err().map(|error| error.to_string()),
        }
    }

    fn words(&self) -> String {
        let id = self.id.as_deref().unwrap_or_default();
        let place = self.place.unwrap_or_default();
        let how = self.error.as_deref().unwrap_or("works");
        format!("{:<16} {place:<9} {id:<43}  {how}", self.role)
    }
}
