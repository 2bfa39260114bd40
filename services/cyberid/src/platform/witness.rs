//! A witness behind its own door, and its configuration file.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use cyberid_domain::clock::SystemClock;
use cyberid_keystore::{Unlock, role};
use cyberid_tlog::note::VerifierKey;
use cyberid_witness::Witness;
use serde::Deserialize;

use super::compose::{operations, standalone};
use super::config::{ConfigError, ConfigFile, TlsFiles};
use super::readiness::{SelfTest, Trial};
use super::{DataDirectory, Door, KeystoreConfig, Serving, StartError, Stop, roles};

/// A witness's configuration file: TOML, every member known.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WitnessFile {
    /// The witness's name, as it stands in its cosignatures.
    pub(crate) name: Option<String>,
    /// Where others reach it; the address it listens on by default.
    pub(crate) url: Option<String>,
    pub(crate) listen: Option<SocketAddr>,
    pub(crate) data: Option<PathBuf>,
    pub(crate) passphrase_file: Option<PathBuf>,
    /// Where the witness's key is kept.
    #[serde(default)]
    pub(crate) keystore: KeystoreConfig,
    /// The connection is made private in front of this process.
    #[serde(default)]
    pub(crate) behind_tls_proxy: bool,
    pub(crate) tls: Option<TlsFiles>,
    /// The logs whose checkpoints it cosigns.
    #[serde(default)]
    pub(crate) logs: Vec<LogConfig>,
}

/// A log that a witness watches.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogConfig {
    /// Its name.
    pub(crate) origin: String,
    /// Its keys: several while one takes the place of another.
    pub(crate) vkeys: Vec<String>,
}

impl WitnessFile {
    /// Reads a file.
    pub(crate) fn load(path: &Path) -> Result<Self, ConfigError> {
        let fault = |cause: String| ConfigError::File {
            path: path.display().to_string(),
            cause,
        };
        let text = std::fs::read_to_string(path).map_err(|error| fault(error.to_string()))?;
        toml::from_str(&text).map_err(|error| fault(error.to_string()))
    }

    /// The keys of all logs. A key is under the name of its log, and a log has one.
    pub(crate) fn log_keys(&self) -> Result<Vec<VerifierKey>, ConfigError> {
        let unusable = |why| ConfigError::Unusable { member: "logs", why };
        let mut keys = Vec::new();
        for log in &self.logs {
            if log.vkeys.is_empty() {
                return Err(unusable("a log has no key"));
            }
            for vkey in &log.vkeys {
                let key: VerifierKey = vkey.parse().map_err(|_| unusable("a key cannot be read"))?;
                if key.name() != log.origin {
                    return Err(unusable("a key is of another log than the one it stands under"));
                }
                keys.push(key);
            }
        }
        Ok(keys)
    }

    /// What its door needs of it.
    pub(crate) fn door(&self) -> ConfigFile {
        ConfigFile {
            issuer: self.url.clone(),
            listen: self.listen,
            behind_tls_proxy: self.behind_tls_proxy,
            tls: self.tls.clone(),
            ..ConfigFile::default()
        }
    }
}

/// Opens a witness of these logs, with its key and all that it remembers; both are made at the first start.
pub(crate) fn open_witness(
    data: &DataDirectory,
    unlock: &Unlock,
    name: &str,
    logs: Vec<VerifierKey>,
) -> Result<Arc<Witness>, StartError> {
    let dir = data.file("logs");
    let failed = |error: cyberid_witness::WitnessError| {
        StartError::other("the witness does not open (docs/runbooks/lost-witness.md)")(error.into())
    };
    // Memory comes before the key: a key without it has forgotten what it signed.
    if !data.file("keys").exists() {
        Witness::begin(&dir).map_err(failed)?;
    }
    let keystore = data.keystore(unlock, roles::WITNESS)?;
    let parts = cyberid_witness::Parts {
        dir,
        name: name.to_owned(),
        key: keystore.note_key::<role::Witness>()?,
        logs,
        clock: Arc::new(SystemClock),
    };
    Witness::open(parts).map_err(failed)
}

/// Starts a witness of these logs; returns its verifier key too.
pub(crate) fn start_witness(
    door: Door,
    data: &DataDirectory,
    unlock: &Unlock,
    name: &str,
    logs: Vec<VerifierKey>,
    stop: &Stop,
) -> Result<(Serving, VerifierKey), StartError> {
    let witness = open_witness(data, unlock, name, logs)?;
    let vkey = witness.verifier_key().clone();
    let readiness = SelfTest(vec![Box::new(MemoryTrial(Arc::clone(&witness)))]);
    let router = standalone(cyberid_witness::routes(), witness).merge(operations(Arc::new(readiness)));
    Ok((door.answer(router, stop)?, vkey))
}

/// What a witness remembers can be read back.
struct MemoryTrial(Arc<Witness>);

#[async_trait]
impl Trial for MemoryTrial {
    fn part(&self) -> &'static str {
        "memory"
    }

    async fn run(&self) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let witness = Arc::clone(&self.0);
        Ok(tokio::task::spawn_blocking(move || witness.check()).await??)
    }
}

#[cfg(test)]
mod tests {
    use cyberid_tlog::note::{Ed25519Signer, NoteSigner as _};

    use super::*;

    #[test]
    fn a_key_stands_under_its_log() {
        let signer = Ed25519Signer::from_seed("log.example", &[1; 32]).ok().unwrap();
        let vkey = signer.verifier_key().to_string();
        let keys = |text: &str| {
            let file = toml::from_str::<WitnessFile>(text).unwrap();
            file.log_keys().map(|keys| keys.len())
        };
        let logs =
            |origin: &str, vkeys: &str| keys(&format!("[[logs]]\norigin = \"{origin}\"\nvkeys = [{vkeys}]"));
        assert_eq!(keys("name = \"w\""), Ok(0));
        assert_eq!(logs("log.example", &format!("\"{vkey}\"")), Ok(1));
        assert!(logs("log.example", "").is_err());
        assert!(logs("log.example", "\"x\"").is_err());
        assert!(logs("other.example", &format!("\"{vkey}\"")).is_err());
        assert!(toml::from_str::<WitnessFile>("log = 1").is_err());
    }
}
