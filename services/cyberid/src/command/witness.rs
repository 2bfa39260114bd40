//! `cyberid witness`

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use cyberid_keystore::Unlock;
use cyberid_tlog::note::VerifierKey;
use cyberid_web::telemetry;
use serde_json::json;

use super::Outcome;
use super::serve::{LogFormat, announce, run_until_told};
use crate::platform::{
    DataDirectory, Door, PassphraseSource, ProcessConfig, StartError, WitnessFile, open_witness,
    start_witness,
};
use crate::terminal::line;

const NAME: &str = "witness.cyberid.example";
const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8090);

const HELP: &str = "\
Examples:
  cyberid witness --config witness.toml --show-key
  cyberid witness --config witness.toml
  cyberid witness --sandbox --data w --log 'id.example/ledger+1f0e0c3a+AWs...'

The configuration file:
  name = \"witness.regulator.example\"
  url = \"https://witness.regulator.example\"
  listen = \"0.0.0.0:443\"
  data = \"/var/lib/witness\"
  passphrase_file = \"/run/secrets/witness\"
  tls = { certificate = \"/etc/witness/cert.pem\", key = \"/etc/witness/key.pem\" }
  [[logs]]
  origin = \"id.example/ledger\"
  vkeys = [\"id.example/ledger+1f0e0c3a+AWs...\"]

Answers POST /add-checkpoint and GET /<sha256 of the origin, hex>/checkpoint (C2SP tlog-witness), and GET /v1/witness,
/healthz, /readyz and /metrics. On standard output stands one line of JSON once it answers.";

/// Run a witness, which cosigns checkpoints of the logs it knows (C2SP tlog-witness).
///
/// It signs only what continues what it signed before; run it with somebody whom the log's operator cannot command.
/// Its data directory must not be put back from a backup: a key that has forgotten what it signed could bless a second
/// history, and does not start.
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct Witness {
    /// The configuration file (TOML); what the command line says comes before it.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The witness's name, as it stands in its cosignatures [default: witness.cyberid.example].
    #[arg(long)]
    name: Option<String>,
    /// The verifier key of a log to witness; may be given several times.
    #[arg(long = "log", value_name = "VKEY", required_unless_present_any = ["config", "show_key"])]
    logs: Vec<VerifierKey>,
    /// Where to listen [default: 127.0.0.1:8090]; port 0 lets the system choose.
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// The data directory [default: witness-data].
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// A file with the keystore's passphrase; else the variable `CYBERID_PASSPHRASE`.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// Make a passphrase at the first start and keep it in the data directory: for trying things out.
    #[arg(long)]
    sandbox: bool,
    /// Make the key if there is none, print name and verifier key as one line of JSON, and end.
    #[arg(long)]
    show_key: bool,
    /// How the log is written.
    #[arg(long = "log-format", value_enum, default_value = "pretty")]
    format: LogFormat,
}

impl Witness {
    pub(crate) async fn run(self) -> Outcome {
        telemetry::init(self.format.into(), &LogFormat::filter())?;
        let file = self.config.as_deref().map(WitnessFile::load).transpose()?;
        let file = file.unwrap_or_default();
        ProcessConfig::default().apply(self.sandbox)?;
        let data = self.data.as_ref().or(file.data.as_ref());
        let data = DataDirectory::open(&data.cloned().unwrap_or_else(|| "witness-data".into()))?;
        let unlock = self.unlock(&file, &data)?;
        let name = self.name.as_ref().or(file.name.as_ref());
        let name = name.map_or(NAME, String::as_str);
        let mut logs = file.log_keys()?;
        logs.extend(self.logs);
        if self.show_key {
            let witness = open_witness(&data, &unlock, name, logs)?;
            let vkey = witness.verifier_key().to_string();
            line(&json!({ "name": name, "vkey": vkey }).to_string());
            return Ok(ExitCode::SUCCESS);
        }
        // Metrics may have been begun by another part of this process; then they are shared.
        let _ = telemetry::begin_metrics();
        let listen = self.listen.or(file.listen).unwrap_or(LISTEN);
        let door = Door::bind(&file.door(), Some(listen)).await?;
        run_until_told(async |stop| {
            let (serving, vkey) = start_witness(door, &data, &unlock, name, logs, stop)?;
            announce(&serving, &[("vkey", vkey.to_string().into())]);
            Ok(vec![serving])
        })
        .await?;
        Ok(ExitCode::SUCCESS)
    }

    fn unlock(&self, file: &WitnessFile, data: &DataDirectory) -> Result<Unlock, StartError> {
        let named = self
            .passphrase_file
            .as_deref()
            .or(file.passphrase_file.as_deref());
        let source = if self.sandbox {
            PassphraseSource::choose_for_sandbox(named, data)
        } else {
            PassphraseSource::choose(named, data)
        };
        file.keystore.unlock(&source, data)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::super::Cli;

    #[test]
    fn a_witness_knows_its_logs_or_shows_its_key() {
        let parses = |line: &str| Cli::try_parse_from(line.split(' ')).is_ok();
        assert!(parses("cyberid witness --config w.toml"));
        assert!(parses("cyberid witness --config w.toml --show-key"));
        assert!(parses("cyberid witness --show-key"));
        assert!(!parses("cyberid witness"));
        assert!(!parses("cyberid witness --log nonsense"));
    }
}
