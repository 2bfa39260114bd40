//! The ceremony itself: everything is checked first, then it is done in one write, then it is written down.

use std::path::Path;
use std::sync::Arc;

use cyberid_domain::Clock as _;
use cyberid_domain::clock::SystemClock;
use cyberid_domain::rng::SystemRng;
use cyberid_keystore::{KdfCost, Keystore, KeystoreError, RoleName, State, Step, role};

use super::file::{CeremonyFile, FileError};
use super::signature::{CeremonySignature, NotSigned};
use super::transcript::{Record, Transcript, TranscriptError};
use crate::command::keys::place::Found;
use crate::command::keys::row::Row;
use crate::platform::StartError;

/// Why a ceremony is not held.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotHeld {
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Signatures(#[from] NotSigned),
    #[error("the ceremony is meant for the keystore {meant}, and this is {this}")]
    AnotherKeystore { meant: String, this: String },
    #[error("a keystore's first ceremony makes its `ceremony` key")]
    NoCeremonyKey,
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("nothing was changed")]
    Keystore(#[from] KeystoreError),
    #[error(transparent)]
    Transcript(#[from] TranscriptError),
}

/// Holds a ceremony, and leaves its transcript in a new file.
pub(super) fn hold(
    found: &Found,
    file: &CeremonyFile,
    signatures: Vec<String>,
    path: &Path,
) -> Result<Transcript, NotHeld> {
    let began = SystemClock.now();
    file.require_in_time(began)?;
    let operators = CeremonySignature::check_all(file, &signatures, &found.operators)?;
    let keystore = open(found)?;
    require_meant(file, &keystore)?;
    let place = Transcript::reserve(path)?;
    let before = Row::all(keystore.list(), None);
    keystore.hold_ceremony(&file.digest(), &file.steps())?;
    let record = Record {
        ceremony: file.text().to_owned(),
        signatures,
        operators,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        began,
        ended: SystemClock.now(),
        before,
        after: Row::all(keystore.list(), None),
    };
    let key = keystore.signer::<role::Ceremony>()?.current();
    let transcript = Transcript::sign(record, &*key)?;
    transcript.save(place)?;
    Ok(transcript)
}

/// The keystore, beside whoever serves with its keys; at the first ceremony there is none yet.
fn open(found: &Found) -> Result<Keystore, NotHeld> {
    match found.administer() {
        Err(StartError::Keystore(KeystoreError::Missing(_))) => {
            let (clock, rng) = (Arc::new(SystemClock), Arc::new(SystemRng));
            let (folder, cost) = (found.folder()?, KdfCost::RECOMMENDED);
            Ok(Keystore::create(&folder, &found.unlock, cost, clock, rng)?)
        }
        opened => Ok(opened?),
    }
}

fn require_meant(file: &CeremonyFile, keystore: &Keystore) -> Result<(), NotHeld> {
    let keys = keystore.list();
    let is_ceremony = |role, state| role == RoleName::Ceremony && state == State::Active;
    let this = keys.iter().find(|key| is_ceremony(key.role, key.state));
    let makes = || file.steps().contains(&Step::Make(RoleName::Ceremony));
    match (file.keystore(), this) {
        (Some(meant), Some(this)) if meant == this.id => Ok(()),
        (None, None) if makes() => Ok(()),
        (None, None) => Err(NotHeld::NoCeremonyKey),
        (meant, this) => Err(NotHeld::AnotherKeystore {
            meant: meant.unwrap_or("that has none yet").to_owned(),
            this: this.map_or_else(|| "that has none yet".to_owned(), |key| key.id.clone()),
        }),
    }
}
