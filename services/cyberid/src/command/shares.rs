//! `cyberid shares`

use std::process::ExitCode;

use clap::Subcommand;
use cyberid_keystore::Keystore;

use super::Outcome;
use super::keys::place::Place;
use crate::platform::{SealedShares, retire, share_seals};

const HELP: &str = "\
Examples:
  cyberid shares status --data /var/lib/vault --passphrase-file /run/secrets/vault --json
  cyberid shares retire --data /var/lib/vault --passphrase-file /run/secrets/vault

Exit codes:
  0  done; for `status`: no share is left under an earlier key
  1  an error, or a refusal: shares are sealed to that key still
  2  the command line is wrong
  3  `status`: shares are left under an earlier key";

const STATUS_HELP: &str = "\
Example:
  cyberid shares status --data /var/lib/vault --passphrase-file /run/secrets/vault --json";

const RETIRE_HELP: &str = "\
Example:
  cyberid shares retire --data /var/lib/vault --passphrase-file /run/secrets/vault";

/// See how far a key holder is with sealing its shares anew, and destroy the key that none is sealed to.
///
/// After `cyberid keys rotate --regardless` of the role vault or custodian the running process seals its shares anew by
/// itself. When `status` shows no share under the retained key, and everybody who pins the old public half has the new one,
/// `retire` destroys the old private half.
#[derive(Debug, Subcommand)]
#[command(after_long_help = HELP)]
pub(crate) enum Shares {
    /// Count the shares under each key.
    ///
    /// A running process may be at work on them meanwhile.
    #[command(after_long_help = STATUS_HELP)]
    Status(Place),
    /// Destroy the private halves of retained keys that no share is sealed to.
    ///
    /// It is refused while one share is: nobody could open it again.
    #[command(after_long_help = RETIRE_HELP)]
    Retire(Place),
}

/// What `status` ends in where shares are left.
const LEFT: u8 = 3;

impl Shares {
    pub(crate) async fn run(self) -> Outcome {
        match self {
            Self::Status(place) => status(&place).await,
            Self::Retire(place) => retiring(&place).await,
        }
    }
}

async fn status(place: &Place) -> Outcome {
    let found = place.find()?;
    let keys = Keystore::inspect(&found.folder()?, found.unlock.clone())?;
    let seals = share_seals(&found.data, &keys).await?;
    place.show().result(&seals, |seals| words(seals));
    let left = seals
        .iter()
        .any(|sealed| sealed.shares > 0 && !sealed.is_current());
    Ok(if left {
        ExitCode::from(LEFT)
    } else {
        ExitCode::SUCCESS
    })
}

async fn retiring(place: &Place) -> Outcome {
    let found = place.find()?;
    let retired = retire(&found.data, &found.administer()?).await?;
    place.show().result(&retired, |retired| match retired.as_slice() {
        [] => "There is no retained key of a share store.".into(),
        ids => format!("Destroyed: {}", ids.join(", ")),
    });
    Ok(ExitCode::SUCCESS)
}

fn words(seals: &[SealedShares]) -> String {
    let line = |sealed: &SealedShares| {
        let state = sealed.state.as_deref().unwrap_or("unknown");
        let (store, shares, key) = (sealed.store.as_str(), sealed.shares, &sealed.key);
        format!("{store:<10} {state:<10} {key}  {shares} shares")
    };
    match seals {
        [] => "There is no share.".into(),
        seals => seals.iter().map(line).collect::<Vec<_>>().join("\n"),
    }
}
