//! `cyberid serve`

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use cyberid_crypto::Suite;
use cyberid_web::{shutdown, telemetry};
use serde_json::{Map, Value};

use super::Outcome;
use crate::platform::{
    ConfigFile, DataDirectory, Door, PassphraseSource, Platform, PlatformOptions, SandboxOptions, Serving,
    StartError, Stop, serve_custodian, serve_vault,
};
use crate::terminal::line;

const HELP: &str = "\
Examples:
  cyberid serve --sandbox
  cyberid serve --config cyberid.toml --log json
  cyberid serve vault --config vault.toml";

/// Run the platform, or one of its two key holders.
///
/// With `--sandbox` everything is there to try every call at once: a synthetic identity source, a witness, one approved
/// relying party, two operators and a regulator, with their keys at /sandbox/keys. Without it nothing of the kind
/// exists, and the configuration file has to name the real ones.
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct Serve {
    /// What to run in this process.
    #[arg(value_enum, default_value = "platform")]
    part: Part,
    /// Bring everything needed to try things out. Listens on loopback unless told otherwise.
    #[arg(long)]
    sandbox: bool,
    /// The data directory.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The configuration file (TOML).
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where to listen [default: 127.0.0.1:8080]; port 0 lets the system choose.
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// The suite of algorithms: `nist`, or `sm` (SM2, SM3, SM4). Chosen at the first start, before there are keys; it
    /// stays what it was [default: what the configuration says, else `nist`].
    #[arg(long, value_name = "SUITE")]
    suite: Option<Suite>,
    /// How many synthetic people the sandbox has.
    #[arg(long, value_name = "COUNT", default_value_t = 1000, requires = "sandbox")]
    people: usize,
    /// How the log is written.
    #[arg(long, value_enum, default_value = "pretty")]
    log: LogFormat,
}

/// What a process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Everything, or everything but the key holders that the configuration says are elsewhere.
    Platform,
    /// The vault alone.
    Vault,
    /// The custodian alone.
    Custodian,
}

/// How the log is written, to standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Pretty,
    /// One JSON object a line.
    Json,
}

impl LogFormat {
    /// What of the log is written, as the variable `CYBERID_LOG` says.
    pub(crate) fn filter() -> String {
        std::env::var("CYBERID_LOG").unwrap_or_else(|_| "info".into())
    }
}

impl From<LogFormat> for telemetry::Format {
    fn from(format: LogFormat) -> Self {
        match format {
            LogFormat::Pretty => Self::Pretty,
            LogFormat::Json => Self::Json,
        }
    }
}

impl Serve {
    pub(crate) async fn run(self) -> Outcome {
        telemetry::init(self.log.into(), &LogFormat::filter())?;
        let file = self
            .config
            .as_deref()
            .map(ConfigFile::load)
            .transpose()?
            .unwrap_or_default();
        file.process.apply(self.sandbox)?;
        let data = self
            .data
            .clone()
            .or_else(|| file.data.clone())
            .unwrap_or_else(|| "data".into());
        let synchronous = file.storage.synchronous(self.sandbox)?;
        let suite = file.platform.suite(self.suite)?;
        let data = DataDirectory::open(&data)?.with(synchronous).with_suite(suite);
        let passphrase_file = file.passphrase_file.as_deref();
        let source = if self.sandbox {
            PassphraseSource::choose_for_sandbox(passphrase_file, &data)
        } else {
            PassphraseSource::choose(passphrase_file, &data)
        };
        let unlock = file.keystore.unlock(&source, &data)?;
        let door = Door::bind(&file, self.listen).await?;
        let sandbox = self.sandbox.then_some(SandboxOptions { people: self.people });
        let part = self.part;
        run_until_told(async |stop| match part {
            Part::Platform => {
                let options = PlatformOptions { file, sandbox };
                let platform = Platform::start(door, &data, &unlock, options, stop).await?;
                announce(
                    &platform.serving,
                    &[("ledger_vkey", platform.ledger_vkey.to_string().into())],
                );
                Ok(platform.into_servings())
            }
            Part::Vault => {
                let serving = serve_vault(door, &data, &unlock, &file, stop).await?;
                announce(&serving, &[]);
                Ok(vec![serving])
            }
            Part::Custodian => {
                let serving = serve_custodian(door, &data, &unlock, &file, stop).await?;
                announce(&serving, &[]);
                Ok(vec![serving])
            }
        })
        .await?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Says on standard output, as one line of JSON, that a process answers, where, and what others have to know of it.
pub(crate) fn announce(serving: &Serving, more: &[(&str, Value)]) {
    let mut said = Map::new();
    said.insert("listening".into(), serving.address.to_string().into());
    said.insert("url".into(), serving.issuer.clone().into());
    said.extend(
        more.iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone())),
    );
    line(&Value::Object(said).to_string());
}

/// Starts servers, and stops them when the process is told to: what they had begun is finished.
pub(crate) async fn run_until_told(
    start: impl AsyncFnOnce(&Stop) -> Result<Vec<Serving>, StartError>,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let told = shutdown::signal()?;
    let stop = Stop::new();
    let servings = start(&stop).await?;
    told.await;
    stop.tell();
    for serving in servings {
        serving.finished().await;
    }
    Ok(())
}
