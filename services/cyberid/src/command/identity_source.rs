//! `cyberid identity-source`

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::Outcome;
use super::serve::{announce, run_until_told};
use crate::platform::{ConfigFile, DataDirectory, Door, PassphraseSource, start_identity_source};

/// Run a synthetic identity source: a made-up population behind the real protocol.
#[derive(Debug, Args)]
pub(crate) struct IdentitySource {
    /// Where to listen; port 0 lets the system choose.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8091")]
    listen: SocketAddr,
    /// The data directory; it keeps the keys and the population's seed.
    #[arg(long, value_name = "DIR", default_value = "source-data")]
    data: PathBuf,
    /// How many people there are.
    #[arg(long, value_name = "COUNT", default_value_t = 1000)]
    people: usize,
    /// Take `POST /v1/faults`, which makes the source slow, wrong, down or talk garbage.
    #[arg(long)]
    faults: bool,
}

impl IdentitySource {
    pub(crate) async fn run(self) -> Outcome {
        let data = DataDirectory::open(&self.data)?;
        let passphrase = PassphraseSource::choose_for_sandbox(None, &data).read(&data)?;
        let door = Door::bind(&ConfigFile::default(), Some(self.listen)).await?;
        run_until_told(async |stop| {
            let source = start_identity_source(door, &data, &passphrase, self.people, self.faults, stop)?;
            let keys = [
                ("signing_jwk", json!(source.keys.signing_jwk)),
                ("encryption_jwk", json!(source.keys.encryption_jwk)),
            ];
            announce(&source.serving, &keys);
            Ok(vec![source.serving])
        })
        .await?;
        Ok(ExitCode::SUCCESS)
    }
}
