//! `cyberid holder passport`, and the chip that an enrolment shows.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use cyberid_crypto::base64url;
use cyberid_domain::personal::Personal;
use cyberid_protocol::passport::ChipFiles;
use serde_json::{Value, json};

use super::Common;
use crate::command::Outcome;
use crate::command::outside::{Failure, read_bytes};

/// The files of a chip in a directory, each with its name in the evidence.
const FILES: [(&str, &str); 3] = [("sod", "EF.SOD"), ("dg1", "EF.DG1"), ("dg2", "EF.DG2")];

const HELP: &str = "\
Examples:
  cyberid holder passport --sandbox-person 12 --out passport
  cyberid holder enrol --sandbox-person 12 --passport passport --pin 52719406";

/// Have the sandbox's country, Utopia, make the chip of a synthetic person's passport.
///
/// Writes EF.SOD, EF.DG1 and EF.DG2, as an app that reads a chip would. The person has to be one whose document is a passport.
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct MakePassport {
    /// The N-th synthetic person of the server's sandbox, counted from 1.
    #[arg(long, value_name = "N")]
    sandbox_person: std::num::NonZeroUsize,
    /// The directory that is made, with a file for each part of the chip.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    common: Common,
}

/// A directory cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("{}: {cause}", path.display())]
struct Unwritten {
    path: PathBuf,
    cause: std::io::Error,
}

impl MakePassport {
    pub(super) async fn run(self) -> Outcome {
        let client = self.common.server.client(None)?;
        let nth = self.sandbox_person.get();
        let people: Value = client.get(&format!("/sandbox/people?limit={nth}")).await?;
        let person = people
            .pointer(&format!("/people/{}", nth - 1))
            .cloned()
            .unwrap_or_default();
        let asked = json!({"document": person.get("document"), "birth_date": person.get("birth_date")});
        let chip: Value = client.post("/sandbox/passports", &asked).await?;
        for (member, file) in FILES {
            let bytes = chip
                .get(member)
                .and_then(Value::as_str)
                .and_then(base64url::decode);
            write(&self.out, file, &bytes.unwrap_or_default())?;
        }
        let out = self.out.display().to_string();
        self.common.show().result(&json!({"passport": out}), |_| {
            format!("The chip of a passport of Utopia lies in {out}.")
        });
        Ok(ExitCode::SUCCESS)
    }
}

/// The chip that was read into this directory.
pub(super) fn chip_in(folder: &Path) -> Result<ChipFiles, Failure> {
    let read = |file: &str| -> Result<Personal, Failure> {
        let bytes = read_bytes(&folder.join(file))?;
        Ok(Personal::new(base64url::encode(&bytes)))
    };
    let [sod, dg1, dg2] = FILES.map(|(_, file)| file);
    let face = folder.join(dg2).exists();
    Ok(ChipFiles {
        sod: read(sod)?,
        dg1: read(dg1)?,
        dg2: face.then(|| read(dg2)).transpose()?,
    })
}

fn write(folder: &Path, file: &str, bytes: &[u8]) -> Result<(), Failure> {
    let path = folder.join(file);
    let written = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&path, bytes));
    written.map_err(|cause| Unwritten { path, cause }.into())
}
