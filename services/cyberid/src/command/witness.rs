//! `cyberid witness`

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use cyberid_tlog::note::VerifierKey;

use super::Outcome;
use super::serve::{announce, run_until_told};
use crate::platform::{ConfigFile, DataDirectory, Door, PassphraseSource, start_witness};

/// Run a witness, which cosigns checkpoints of the logs it knows (C2SP tlog-witness).
///
/// It signs only what continues what it signed before; run it with somebody whom the log's operator cannot command.
#[derive(Debug, Args)]
pub(crate) struct Witness {
    /// The witness's name, as it stands in its cosignatures.
    #[arg(long, default_value = "witness.cyberid.example")]
    name: String,
    /// The verifier key of a log to witness; may be given several times.
    #[arg(long = "log", value_name = "VKEY", required = true)]
    logs: Vec<VerifierKey>,
    /// Where to listen; port 0 lets the system choose.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8090")]
    listen: SocketAddr,
    /// The data directory.
    #[arg(long, value_name = "DIR", default_value = "witness-data")]
    data: PathBuf,
    /// A file with the keystore's passphrase; else the variable `CYBERID_PASSPHRASE`.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// Make a passphrase at the first start and keep it in the data directory: for trying things out.
    #[arg(long)]
    sandbox: bool,
}

impl Witness {
    pub(crate) async fn run(self) -> Outcome {
        let data = DataDirectory::open(&self.data)?;
        let source = if self.sandbox {
            PassphraseSource::choose_for_sandbox(self.passphrase_file.as_deref(), &data)
        } else {
            PassphraseSource::choose(self.passphrase_file.as_deref(), &data)
        };
        let passphrase = source.read(&data)?;
        let door = Door::bind(&ConfigFile::default(), Some(self.listen)).await?;
        run_until_told(async |stop| {
            let (serving, vkey) = start_witness(door, &data, &passphrase, &self.name, self.logs, stop)?;
            announce(&serving, &[("vkey", vkey.to_string().into())]);
            Ok(vec![serving])
        })
        .await?;
        Ok(ExitCode::SUCCESS)
    }
}
