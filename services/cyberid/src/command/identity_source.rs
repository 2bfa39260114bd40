//! `cyberid identity-source`

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use cyberid_crypto::Suite;
use serde_json::json;

use super::Outcome;
use super::serve::{announce, run_until_told};
use cyberid_identity_source::Population;

use crate::platform::{
    ClientCertificates, ConfigFile, DataDirectory, Door, PassphraseSource, SourceOptions, TlsFiles,
    start_identity_source,
};

const HELP: &str = "\
Examples:
  cyberid identity-source --people 100000000
  cyberid identity-source --listen 0.0.0.0:8091 --tls-certificate source.pem --tls-key source.key --client-ca platforms.pem";

/// Run a synthetic identity source: a made-up population behind the real protocol.
///
/// The same seed, kept in its data directory, gives the same people again. docs/identity-source.md has the protocol.
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct IdentitySource {
    /// Where to listen; port 0 lets the system choose.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8091")]
    listen: SocketAddr,
    /// The data directory; it keeps the keys and the population's seed.
    #[arg(long, value_name = "DIR", default_value = "source-data")]
    data: PathBuf,
    /// The suite of algorithms of the platform that asks: `nist` or `sm`; chosen at the first start.
    #[arg(long, value_name = "SUITE")]
    suite: Option<Suite>,
    /// How many people there are.
    #[arg(long, value_name = "COUNT", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..=Population::LARGEST))]
    people: u64,
    /// Take `POST /v1/faults`, which makes the source slow, wrong, down or talk garbage.
    #[arg(long)]
    faults: bool,
    /// Speak TLS with this certificate chain (PEM).
    #[arg(long, value_name = "FILE", requires_all = ["tls_key", "client_ca"])]
    tls_certificate: Option<PathBuf>,
    /// Its private key (PEM).
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    tls_key: Option<PathBuf>,
    /// Answer only platforms that show a certificate of this authority (PEM).
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    client_ca: Option<PathBuf>,
}

impl IdentitySource {
    pub(crate) async fn run(self) -> Outcome {
        let data = DataDirectory::open(&self.data)?.with_suite(self.suite);
        let passphrase = PassphraseSource::choose_for_sandbox(None, &data).read(&data)?;
        let door = Door::bind(&self.config(), Some(self.listen)).await?;
        let options = SourceOptions {
            people: self.people,
            faults: self.faults,
        };
        run_until_told(async |stop| {
            let source = start_identity_source(door, &data, &passphrase, options, stop)?;
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

    /// A person's phone has no certificate, and shows its face all the same: which calls need one, each call says.
    fn config(&self) -> ConfigFile {
        let files = (&self.tls_certificate, &self.tls_key);
        let (Some(certificate), Some(key)) = files else {
            return ConfigFile::default();
        };
        ConfigFile {
            tls: Some(TlsFiles {
                certificate: certificate.clone(),
                key: key.clone(),
                client_ca: self.client_ca.clone(),
                client_certificates: Some(ClientCertificates::Optional),
            }),
            ..ConfigFile::default()
        }
    }
}
