//! The stage: a temporary directory, two processes beside, and the platform in this one.

use std::path::{Path, PathBuf};

use cyberid_client::Client;
use cyberid_crypto::PublicKey;
use serde::de::DeserializeOwned;

use super::children::Process;
use crate::platform::{
    ConfigFile, DataDirectory, Door, PassphraseSource, Platform, PlatformOptions, SandboxOptions, Serving,
    Stop,
};
use crate::terminal::paint;

type Fault = Box<dyn std::error::Error + Send + Sync>;

/// How many synthetic people the demo's register has.
const PEOPLE: usize = 200;

/// The stage, set.
pub(crate) struct Stage {
    pub(crate) platform: Client,
    pub(crate) source: Process,
    pub(crate) witness: Process,
    folder: tempfile::TempDir,
    servings: Vec<Serving>,
    stop: Stop,
}

impl Stage {
    /// Starts the identity source, then the witness of the log that the platform is about to write, then the platform.
    pub(crate) async fn set() -> Result<Self, Fault> {
        let folder = tempfile::Builder::new().prefix("cyberid-demo-").tempdir()?;
        let people = PEOPLE.to_string();
        let arguments = ["identity-source", "--people", &people];
        let source = Process::start(&arguments, &folder.path().join("identity-source")).await?;
        let data = DataDirectory::open(&folder.path().join("platform"))?;
        let passphrase = PassphraseSource::choose_for_sandbox(None, &data).read(&data)?;
        let log = Platform::sandbox_log(&data, &passphrase)?.to_string();
        let arguments = [
            "witness",
            "--sandbox",
            "--name",
            "regulator.example/witness",
            "--log",
            &log,
        ];
        let witness = Process::start(&arguments, &folder.path().join("witness")).await?;
        let file = configuration(&source, &witness)?;
        let stop = Stop::new();
        let door = Door::bind(&file, Some(([127, 0, 0, 1], 0).into())).await?;
        let options = PlatformOptions {
            file,
            sandbox: Some(SandboxOptions { people: PEOPLE }),
        };
        let platform = Platform::start(door, &data, &passphrase, options, &stop).await?;
        let client = Client::new(&platform.serving.issuer)?;
        Ok(Self {
            platform: client,
            source,
            witness,
            folder,
            servings: platform.into_servings(),
            stop,
        })
    }

    /// The address of the platform.
    pub(crate) fn url(&self) -> &str {
        self.platform.base().trim_end_matches('/')
    }

    /// Where the platform keeps its data.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("platform")
    }

    /// A directory for the regulator's copy of the ledger.
    pub(crate) fn export(&self) -> PathBuf {
        self.folder.path().join("exported-ledger")
    }

    /// The folder of everything.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What one can do while the platform goes on serving.
    pub(crate) fn farewell(&self) -> String {
        let (url, program) = (self.url(), program());
        let data = self.folder.path().display();
        format!(
            "\n{title}\n   platform         {url}\n   identity source  {source}\n   witness          {witness}\n   \
             data             {data}\n\nTry it in another terminal:\n\n   \
             curl -s {url}/.well-known/cyberid\n   \
             curl -s '{url}/sandbox/people?limit=2'\n   \
             curl -s {url}/ledger/checkpoint\n   \
             curl -s -X POST {url}/v1/nonces\n   \
             curl -s {url}/problems/over-asking\n\n   \
             {program} holder enrol --server {url} --home /tmp/citizen --sandbox-person 7 --pin 27182845\n   \
             {program} rp adopt --server {url} --home /tmp/shop --sandbox\n   \
             TOKEN=$({program} rp token --bearer --server {url} --home /tmp/shop)\n   \
             curl -s {url}/v1/verifications -H \"authorization: Bearer $TOKEN\" -H 'content-type: application/json' \\\n        \
             -d '{{\"purpose\":\"register\",\"checks\":[\"real_person\",\"age_over_18\"],\"nonce\":\"bm9uY2UtMTIzNDU2Nzg5MA\"}}'\n   \
             {program} holder approve --server {url} --home /tmp/citizen REQUEST_URI\n   \
             {program} audit verify --ledger {url} --sandbox\n\nCtrl-C ends it.",
            title = paint("1;36", "The platform goes on serving."),
            source = self.source.text("url"),
            witness = self.witness.text("url"),
        )
    }

    /// Ends everything; the temporary directory goes with it.
    pub(crate) async fn strike(self) {
        self.stop.tell();
        for serving in self.servings {
            serving.finished().await;
        }
        self.witness.stop().await;
        self.source.stop().await;
    }
}

/// This executable, as one would type it.
fn program() -> String {
    std::env::args().next().unwrap_or_else(|| "cyberid".into())
}

fn configuration(source: &Process, witness: &Process) -> Result<ConfigFile, Fault> {
    let source_keys = (
        said::<PublicKey>(source, "signing_jwk")?,
        said::<PublicKey>(source, "encryption_jwk")?,
    );
    Ok(ConfigFile {
        identity_source: Some(crate::platform::IdentitySource {
            url: source.text("url").into(),
            signing_jwk: source_keys.0,
            encryption_jwk: source_keys.1,
            tls: None,
            timeout_seconds: None,
        }),
        ledger: Some(crate::platform::LedgerConfig {
            origin: None,
            policy_file: None,
            quorum: None,
            witnesses: vec![crate::platform::WitnessConfig {
                url: witness.text("url").into(),
                vkey: witness.text("vkey").parse()?,
            }],
        }),
        ..ConfigFile::default()
    })
}

fn said<T: DeserializeOwned>(process: &Process, name: &str) -> Result<T, Fault> {
    Ok(serde_json::from_value(
        process.said.get(name).cloned().unwrap_or_default(),
    )?)
}
