//! `cyberid keys sign-ceremony` and `cyberid keys ceremony`

#[cfg(test)]
mod attacks;
mod file;
mod hold;
mod signature;
mod transcript;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use cyberid_client::key_file::PrivateKey;
use cyberid_domain::Clock as _;
use cyberid_domain::clock::SystemClock;
use cyberid_keystore::{Keystore, KeystoreError, Step};
use serde_json::json;

use super::place::Place;
use crate::command::Outcome;
use crate::platform::require_unused;
use crate::terminal::Show;
use file::CeremonyFile;
use signature::CeremonySignature;
use transcript::Transcript;

const SIGN: &str = "\
Examples:
  cyberid keys sign-ceremony keys/2026-12.toml --key alice.jwk > alice.sig
  cyberid keys sign-ceremony keys/2026-12.toml --key bob.jwk --json";

const HOLD: &str = "\
Examples:
  cyberid keys ceremony keys/2026-12.toml --config cyberid.toml --signature alice.sig --signature bob.sig --transcript keys/2026-12.json
  cyberid keys ceremony --verify keys/2026-12.json --config cyberid.toml --json

keys/README.md says what a ceremony file holds, and how it goes.

Exit codes:
  0  the ceremony was held, or its transcript is in order
  1  nothing was changed, or the transcript is not in order; or an error
  2  the command line is wrong";

/// Review a ceremony's file and sign it, as one of the two operators that it needs.
///
/// Shows on standard error what the file prescribes, and gives the signature, a compact JWS.
#[derive(Debug, Args)]
#[command(after_long_help = SIGN)]
pub(crate) struct SignCeremony {
    /// The ceremony's file.
    file: PathBuf,
    /// The operator's private key: a JWK in a file that is the owner's alone.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Hold a key ceremony that two operators signed, or verify the transcript of one.
///
/// Everything that the file prescribes is done in one step, or nothing. The transcript, signed by a key of the keystore,
/// holds the file, the two signatures, and the keys before and after.
#[derive(Debug, Args)]
#[command(after_long_help = HOLD)]
pub(crate) struct Ceremony {
    /// The ceremony's file.
    #[arg(required_unless_present = "verify", conflicts_with = "verify")]
    file: Option<PathBuf>,
    /// An operator's signature; twice.
    #[arg(long = "signature", value_name = "FILE", conflicts_with = "verify")]
    signatures: Vec<PathBuf>,
    /// Where the transcript goes; there is no such file yet.
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present = "verify",
        conflicts_with = "verify"
    )]
    transcript: Option<PathBuf>,
    /// Verify this transcript.
    #[arg(long, value_name = "TRANSCRIPT")]
    verify: Option<PathBuf>,
    #[command(flatten)]
    place: Place,
}

impl SignCeremony {
    pub(super) fn run(self) -> Outcome {
        let file = CeremonyFile::load(&self.file)?;
        let key = PrivateKey::load(&self.key)?.to_signing_key()?;
        crate::terminal::note(&file.words());
        let signature = CeremonySignature::make(&file, &key, SystemClock.now())?;
        let signed = json!({ "signature": signature, "ceremony": file.digest() });
        Show::json(self.json).result(&signed, |_| signature.clone());
        Ok(ExitCode::SUCCESS)
    }
}

impl Ceremony {
    pub(super) async fn run(self) -> Outcome {
        let transcript = match (&self.verify, &self.file, &self.transcript) {
            (Some(transcript), ..) => {
                let transcript = Transcript::load(transcript)?;
                transcript.verify(&self.place.operators()?)?;
                transcript
            }
            (None, Some(file), Some(transcript)) => self.hold(file, transcript).await?,
            // The command line was parsed: one of the two is there.
            _ => return Ok(ExitCode::from(2)),
        };
        self.place.show().result(&transcript, Transcript::words);
        Ok(ExitCode::SUCCESS)
    }

    async fn hold(
        &self,
        file: &Path,
        transcript: &Path,
    ) -> Result<Transcript, Box<dyn std::error::Error + Send + Sync>> {
        let (file, found) = (CeremonyFile::load(file)?, self.place.find()?);
        // A key goes by a ceremony, too, only when no share is sealed to it.
        let keys = match Keystore::inspect(&found.folder()?, found.unlock.clone()) {
            Err(KeystoreError::Missing(_)) => Vec::new(),
            keys => keys?,
        };
        for key in keys {
            if file.steps().contains(&Step::Revoke(key.id.clone())) {
                require_unused(&found.data, &key).await?;
            }
        }
        let texts = self.signatures.iter().map(std::fs::read_to_string);
        let texts: Vec<String> = texts.collect::<Result<_, _>>()?;
        let texts = texts.iter().map(|text| text.trim().to_owned()).collect();
        Ok(hold::hold(&found, &file, texts, transcript)?)
    }
}
