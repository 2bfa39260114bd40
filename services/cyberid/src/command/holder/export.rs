//! `cyberid holder export`

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use cyberid_crypto::{PublicKey, json};
use cyberid_protocol::export::{Archive, ArchiveRefused, Manifest, VerifiedArchive};
use cyberid_protocol::message;
use serde_json::{Value, json};

use super::Common;
use super::device::{self, Device};
use crate::command::Outcome;
use crate::command::outside::{Failure, moment, read_bytes};

/// Where archives are kept in a device's directory.
const ARCHIVES: &str = "exports";
/// Where the platform's keys are kept by which they were signed, under their thumbprints.
const KEYS: &str = "export-keys";

const HELP: &str = "\
Examples:
  cyberid holder export
  cyberid holder export verify ~/.cyberid/holder/exports/1795406400.json";

const VERIFY_HELP: &str = "\
Examples:
  cyberid holder export verify ~/.cyberid/holder/exports/1795406400.json
  cyberid holder export verify archive.json --key request-key.jwk --issuer https://id.example --json";

/// Fetch all data that the platform holds about you, in one signed archive, or check one.
///
/// The archive is checked, and kept in this directory with the key that signed it. It holds every row of the platform's registry
/// that is about you, your visits, and a list of what is held and is not in it, with the reasons. Your name, number and date
/// of birth are opened by your own release only.
#[derive(Debug, Args)]
#[command(after_long_help = HELP, args_conflicts_with_subcommands = true)]
pub(crate) struct Export {
    #[command(subcommand)]
    command: Option<ExportCommand>,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Subcommand)]
enum ExportCommand {
    // It describes itself: a description here would hide its own.
    Verify(Verify),
}

/// Check an archive without the platform.
///
/// Nothing in it was changed, added or taken away since the platform signed it. The key and the platform's name come from the
/// directory of the device that fetched it, or from `--key` and `--issuer`.
#[derive(Debug, Args)]
#[command(after_long_help = VERIFY_HELP)]
struct Verify {
    /// The archive, or `-` for standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The platform's public key (JWK), from its key set.
    #[arg(long, value_name = "FILE", requires = "issuer")]
    key: Option<PathBuf>,
    /// The platform's name.
    #[arg(long, value_name = "URL", requires = "key")]
    issuer: Option<String>,
    #[command(flatten)]
    common: Common,
}

impl Export {
    pub(super) async fn run(self) -> Outcome {
        match self.command {
            Some(ExportCommand::Verify(verify)) => verify.run(),
            None => fetch(&self.common).await,
        }
    }
}

async fn fetch(common: &Common) -> Outcome {
    let Device { home, holder, .. } = Device::open(common)?;
    let exported = holder.export().await?;
    let name = format!("{ARCHIVES}/{}.json", exported.verified.manifest.iat.0);
    home.save(
        &format!("{KEYS}/{}.json", exported.key.thumbprint()),
        &exported.key,
    )?;
    home.save(&name, &exported.archive)?;
    show(common, &exported.verified, Some(&home.path(&name)));
    Ok(ExitCode::SUCCESS)
}

impl Verify {
    fn run(self) -> Outcome {
        let archive: Archive = json::from_slice(&read_bytes(&self.file)?)?;
        let (issuer, key) = self.trusted(&archive)?;
        let verified = archive.verify(&issuer, &key)?;
        show(&self.common, &verified, None);
        Ok(ExitCode::SUCCESS)
    }

    /// The platform's name and the key that has to have signed.
    fn trusted(&self, archive: &Archive) -> Result<(String, PublicKey), Failure> {
        if let (Some(key), Some(issuer)) = (&self.key, &self.issuer) {
            return Ok((issuer.clone(), serde_json::from_slice(&read_bytes(key)?)?));
        }
        let unchecked =
            message::unverified::<Manifest>(&archive.manifest).map_err(|_| ArchiveRefused::Manifest)?;
        let kid = unchecked.kid().map_err(|_| ArchiveRefused::Manifest)?;
        let plain = kid
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        let home = device::found(self.common.home.as_deref()).filter(|_| plain);
        let kept = home
            .map(|home| home.load::<PublicKey>(&format!("{KEYS}/{kid}.json")))
            .transpose()?;
        let key = kept.flatten().filter(|key| key.thumbprint() == kid);
        let pins = device::pins(self.common.home.as_deref())?;
        match (pins, key) {
            (Some(pins), Some(key)) => Ok((pins.issuer, key)),
            _ => Err("no device here has fetched an archive that this key signed: name the key with `--key` and the \
                      platform with `--issuer`"
                .into()),
        }
    }
}

fn show(common: &Common, verified: &VerifiedArchive, file: Option<&std::path::Path>) {
    let manifest = &verified.manifest;
    let said = json!({
        "good": true,
        "issuer": manifest.iss,
        "device": manifest.sub,
        "made_at": manifest.iat,
        "parts": manifest.parts,
        "withheld": manifest.withheld,
        "file": file.map(|file| file.display().to_string()),
    });
    common.show().result(&said, |said| {
        words(verified, said.get("file").unwrap_or(&Value::Null))
    });
}

fn words(verified: &VerifiedArchive, file: &Value) -> String {
    let manifest = &verified.manifest;
    let mut lines = vec![format!("as {} signed it, {}", manifest.iss, moment(manifest.iat))];
    lines.extend(
        manifest
            .parts
            .iter()
            .map(|part| format!("{:>6}  {}", part.entries, part.name)),
    );
    lines.push("held, and not in the archive:".into());
    lines.extend(
        manifest
            .withheld
            .iter()
            .map(|withheld| format!("  {}: {}", withheld.what, withheld.why)),
    );
    lines.extend(file.as_str().map(|file| format!("kept in {file}")));
    lines.join("\n")
}
