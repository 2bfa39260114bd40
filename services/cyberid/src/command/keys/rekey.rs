//! `cyberid keys rekey`

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use cyberid_domain::clock::SystemClock;
use cyberid_domain::rng::SystemRng;
use cyberid_keystore::{KdfCost, Keystore, passphrase};
use serde_json::json;

use super::place::Place;
use crate::command::Outcome;

const HELP: &str = "\
Examples:
  cyberid keys rekey --data /var/lib/cyberid --passphrase-file old --new-passphrase-file new
  cyberid keys rekey --data /var/lib/cyberid --passphrase-file p --new-passphrase-file p --memory-kib 262144 --json";

/// Seal an encrypted file anew, under another passphrase, at another cost of a guess, or both.
///
/// The keys stay the same. The process must not run. Copies of the old file still open with the old passphrase.
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct Rekey {
    /// A file with the new passphrase, readable by its owner alone; the same file as before to change the cost only.
    #[arg(long, value_name = "FILE")]
    new_passphrase_file: PathBuf,
    /// How much memory a guess takes, in KiB.
    #[arg(long, value_name = "KIB", default_value_t = 65_536)]
    memory_kib: u32,
    /// How often a guess passes over it.
    #[arg(long, value_name = "COUNT", default_value_t = 3)]
    iterations: u32,
    /// How many lanes a guess may use.
    #[arg(long, value_name = "COUNT", default_value_t = 4)]
    lanes: u32,
    #[command(flatten)]
    place: Place,
}

impl Rekey {
    pub(super) fn run(self) -> Outcome {
        let cost = KdfCost::new(self.memory_kib, self.iterations, self.lanes)?;
        let new = passphrase::from_file(&self.new_passphrase_file)?;
        let found = self.place.find()?;
        let (clock, rng) = (Arc::new(SystemClock), Arc::new(SystemRng));
        Keystore::open(&found.folder()?, &found.unlock, clock, rng)?.rekey(&new, cost)?;
        let sealed = json!({
            "memory_kib": self.memory_kib, "iterations": self.iterations, "lanes": self.lanes,
        });
        self.place.show().result(&sealed, |_| "sealed anew".to_owned());
        Ok(ExitCode::SUCCESS)
    }
}
