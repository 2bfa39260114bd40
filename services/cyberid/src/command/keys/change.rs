//! `cyberid keys prepare`, `cyberid keys rotate` and `cyberid keys revoke`

use std::process::ExitCode;

use clap::Args;
use cyberid_keystore::{Keystore, RoleName, Rotation};

use super::place::Place;
use super::row::{Row, words};
use crate::command::Outcome;
use crate::platform::require_unused;
use crate::platform::turning::ANNOUNCED;

const PREPARE: &str = "\
Examples:
  cyberid keys prepare --data /var/lib/cyberid certificate
  cyberid keys prepare --config cyberid.toml request --json";

const ROTATE: &str = "\
Examples:
  cyberid keys rotate --data /var/lib/cyberid certificate
  cyberid keys rotate --config cyberid.toml attestation --ahead 0 --json

A stolen key is answered by `rotate --ahead 0`, and by `revoke` of the key that this retains.";

const REVOKE: &str = "\
Examples:
  cyberid keys revoke --data /var/lib/cyberid EMxcgwrEUJKoDh7R68mHmmySRvb2Un2LmDsN7hVCbPk
  cyberid keys revoke --config cyberid.toml EMxcgwrEUJKoDh7R68mHmmySRvb2Un2LmDsN7hVCbPk --json";

/// Make a role's next key, to be published before it is used.
///
/// Others learn of it ahead, so that nobody refuses what it signs once `rotate` has put it to use.
#[derive(Debug, Args)]
#[command(after_long_help = PREPARE)]
pub(crate) struct Prepare {
    /// The role.
    role: RoleName,
    #[command(flatten)]
    place: Place,
}

/// Put a role's next key to use, and retire the one that was in use.
///
/// A retired key that signed loses its private half at once; what it signed is still verified. One that opens or derives
/// still does so for what is older. The running process takes the new key up within a second.
#[derive(Debug, Args)]
#[command(after_long_help = ROTATE)]
pub(crate) struct Rotate {
    /// The role.
    role: RoleName,
    /// For how many seconds the next key has to be published already; 0 also where there is none.
    #[arg(long, value_name = "SECONDS", default_value_t = ANNOUNCED)]
    ahead: u64,
    /// Also a key that others have pinned, or that data was derived with.
    #[arg(long)]
    regardless: bool,
    #[command(flatten)]
    place: Place,
}

/// Revoke a next or retained key: its private half is destroyed, and it is no longer published.
///
/// A key that shares of a key holder are sealed to is refused: `cyberid shares status` says how many are left.
#[derive(Debug, Args)]
#[command(after_long_help = REVOKE)]
pub(crate) struct Revoke {
    /// The key's id.
    id: String,
    #[command(flatten)]
    place: Place,
}

/// Why keys are not changed this way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum Unchanged {
    #[error(
        "the configuration pins operators of the keystore: keys are changed by `cyberid keys ceremony`, which two of them sign"
    )]
    ByCeremonyOnly,
    #[error(
        "others have pinned the keys of the role {0}: change their configurations too, and say `--regardless` (docs/keys.md)"
    )]
    Pinned(RoleName),
    #[error(
        "what was derived with the key of the role {0} cannot be derived with another: say `--regardless` if it may be lost (docs/keys.md)"
    )]
    Derived(RoleName),
}

impl Prepare {
    pub(super) fn run(self) -> Outcome {
        let keystore = open(&self.place)?;
        keystore.prepare(self.role)?;
        show(&self.place, &keystore, self.role);
        Ok(ExitCode::SUCCESS)
    }
}

impl Rotate {
    pub(super) fn run(self) -> Outcome {
        if !self.regardless {
            require_alone(self.role)?;
        }
        let keystore = open(&self.place)?;
        if self.ahead == 0 {
            keystore.rotate(self.role)?;
        } else {
            keystore.rotate_announced(self.role, self.ahead)?;
        }
        show(&self.place, &keystore, self.role);
        Ok(ExitCode::SUCCESS)
    }
}

impl Revoke {
    pub(super) async fn run(self) -> Outcome {
        let keystore = open(&self.place)?;
        let keys = keystore.list().into_iter();
        for key in keys.filter(|key| key.id == self.id) {
            require_unused(&self.place.find()?.data, &key).await?;
        }
        keystore.destroy(&self.id)?;
        let keys = keystore.list().into_iter().filter(|key| key.id == self.id);
        let rows = Row::all(keys.collect(), None);
        self.place.show().result(&rows, |rows| words(rows));
        Ok(ExitCode::SUCCESS)
    }
}

fn require_alone(role: RoleName) -> Result<(), Unchanged> {
    match role.rotation() {
        Rotation::Alone => Ok(()),
        Rotation::WithPins => Err(Unchanged::Pinned(role)),
        Rotation::WithData => Err(Unchanged::Derived(role)),
    }
}

fn open(place: &Place) -> Result<Keystore, Box<dyn std::error::Error + Send + Sync>> {
    let found = place.find()?;
    if !found.operators.is_empty() {
        return Err(Unchanged::ByCeremonyOnly.into());
    }
    Ok(found.administer()?)
}

fn show(place: &Place, keystore: &Keystore, role: RoleName) {
    let keys = keystore.list().into_iter().filter(|key| key.role == role);
    let rows = Row::all(keys.collect(), None);
    place.show().result(&rows, |rows| words(rows));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_keys_that_change_alone_are_changed_just_so() {
        assert_eq!(require_alone(RoleName::Request), Ok(()));
        assert_eq!(
            require_alone(RoleName::Ledger),
            Err(Unchanged::Pinned(RoleName::Ledger))
        );
        assert_eq!(
            require_alone(RoleName::Pairwise),
            Err(Unchanged::Derived(RoleName::Pairwise))
        );
    }
}
