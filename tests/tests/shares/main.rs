//! The shares of every key: sealed anew when a key changes, kept by one custodian or three, backed up and not brought back.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must stop"
)]

mod backups;
mod ceremony;
mod custodians;
mod rotation;

use std::path::Path;
use std::process::{Command, Output};

use cyberid_client::ClientError;
use cyberid_domain::field::Field;
use cyberid_protocol::problem::ProblemType;
use cyberid_relying_party::{RelyingParty, RelyingPartyError};
use journeys::{Citizen, Granted, Part, SplitPlatform, executable};

/// Runs the executable to its end.
fn run(arguments: &[&str]) -> Output {
    Command::new(executable()).args(arguments).output().unwrap()
}

/// The same on the data and with the passphrase of a process.
fn run_at(split: &SplitPlatform, part: Part, command: &[&str]) -> Output {
    let data = split.data(part).display().to_string();
    let secret = split.passphrase_file(part).display().to_string();
    run(&[command, &["--data", &data, "--passphrase-file", &secret]].concat())
}

/// Puts one text into the place of another in the configuration of a process.
fn reconfigure(split: &SplitPlatform, part: Part, from: &str, to: &str) {
    let file = split.config_file(part);
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace(from, to)).unwrap();
}

/// Adds to the configuration of a process.
fn configure(split: &SplitPlatform, part: Part, more: &str) {
    let file = split.config_file(part);
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{text}\n{more}")).unwrap();
}

/// A release of this citizen's name, from the request to the plaintext.
async fn releases_name(citizen: &Citizen, party: &RelyingParty) -> bool {
    let granted = Granted::by(citizen, party, &[Field::Name]).await;
    let released = party.redeem(&granted.pending).await.unwrap();
    released.field(Field::Name).unwrap().expose() == citizen.person.document.name
}

/// How a redeem that ends in a problem ends.
async fn refused(party: &RelyingParty, granted: &Granted) -> Option<ProblemType> {
    match party.redeem(&granted.pending).await {
        Err(RelyingPartyError::Client(error @ ClientError::Problem(_))) => error.problem(),
        other => panic!("neither opened nor refused as documented: {other:?}"),
    }
}

fn openssl(folder: &Path, arguments: &str) {
    let made = Command::new("openssl")
        .current_dir(folder)
        .args(arguments.split(' '))
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}
