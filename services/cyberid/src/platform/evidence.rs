//! The chips of passports as evidence: whose signatures count. A sandbox brings a country of its own.

use std::path::{Path, PathBuf};

use cyberid_client::key_file;
use cyberid_domain::Clock as _;
use cyberid_domain::clock::SystemClock;
use cyberid_issuance::Passports;
use cyberid_passport::TrustAnchors;
use cyberid_passport::synthetic::{Founded, Utopia};
use serde::Deserialize;

use super::config::ConfigError;
use super::start::Start;
use super::{DataDirectory, StartError};

/// The files of the sandbox's country.
const AUTHORITY: [&str; 2] = ["utopia.cer", "utopia.crl"];
const SIGNER: &str = "signer.der";
const SIGNER_KEY: &str = "signer.key";

/// What counts as evidence.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EvidenceConfig {
    /// A folder of country signing authorities: certificates (`.cer`, `.crt`, `.der`, `.pem`), master lists that one of them
    /// vouches for (`.ml`), revocation lists (`.crl`).
    pub(crate) csca: Option<PathBuf>,
    /// Whether a passport is shown with its chip; by default it is where `csca` is named.
    pub(crate) passport_chip: Option<ChipConfig>,
}

/// Whether a passport is shown with its chip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ChipConfig {
    /// Always.
    Required,
    /// It may be; without it the source's word is enough.
    Offered,
}

impl Start<'_> {
    /// What is asked of passports.
    pub(crate) fn passports(&self) -> Result<Passports, StartError> {
        let EvidenceConfig { csca, passport_chip } = &self.options.file.evidence;
        let (files, default) = match (csca, &self.options.sandbox) {
            (Some(folder), _) => (read_folder(folder)?, ChipConfig::Required),
            (None, Some(_)) => (
                Country::open(&self.data.folder("sandbox")?)?.files()?,
                ChipConfig::Offered,
            ),
            (None, None) if passport_chip.is_some() => {
                return Err(ConfigError::Missing {
                    member: "evidence.csca",
                    why: "the authorities whose passports count",
                }
                .into());
            }
            (None, None) => return Ok(Passports::WithoutChip),
        };
        let anchors = TrustAnchors::read(&files, SystemClock.now());
        let anchors = anchors.map_err(|fault| unusable(fault.into()))?;
        tracing::info!(
            authorities = anchors.len(),
            left_out = anchors.left_out(),
            "passports are authenticated"
        );
        Ok(match passport_chip.unwrap_or(default) {
            ChipConfig::Required => Passports::ChipRequired(anchors),
            ChipConfig::Offered => Passports::ChipOffered(anchors),
        })
    }
}

/// The sandbox's country, in its folder.
pub(crate) struct Country(DataDirectory);

impl Country {
    /// The country of this sandbox, founded at the first start.
    pub(crate) fn open(sandbox: &DataDirectory) -> Result<Self, StartError> {
        let folder = sandbox.folder("passports")?;
        if !folder.file(SIGNER_KEY).exists() {
            let founded = Utopia::found(SystemClock.now()).map_err(|fault| unusable(fault.into()))?;
            keep(&folder, &founded)?;
        }
        Ok(Self(folder))
    }

    /// The files of a folder of trust anchors that trusts it.
    fn files(&self) -> Result<Vec<(String, Vec<u8>)>, StartError> {
        let read = |name: &str| Ok((name.to_owned(), self.read(name)?));
        AUTHORITY.into_iter().map(read).collect()
    }

    /// The country as it makes passports. It is read when somebody wants one: its key needs OpenSSL, which a process loads
    /// once and for all.
    pub(crate) fn utopia(&self) -> Result<Utopia, StartError> {
        let key = key_file::read_private(&self.0.file(SIGNER_KEY));
        let key = key.map_err(|error| unusable(error.into()))?;
        Utopia::resume(&self.read(SIGNER)?, &key).map_err(|fault| unusable(fault.into()))
    }

    fn read(&self, name: &str) -> Result<Vec<u8>, StartError> {
        std::fs::read(self.0.file(name)).map_err(|error| unusable(error.into()))
    }
}

/// The key last: without it the country is founded again.
fn keep(folder: &DataDirectory, founded: &Founded) -> Result<(), StartError> {
    let (certificate, key) = founded.utopia.kept().map_err(|fault| unusable(fault.into()))?;
    let own = [(SIGNER.to_owned(), certificate)];
    for (name, bytes) in founded.files.iter().chain(&own) {
        std::fs::write(folder.file(name), bytes).map_err(|error| unusable(error.into()))?;
    }
    key_file::write_private(&folder.file(SIGNER_KEY), &key).map_err(|error| unusable(error.into()))
}

fn read_folder(folder: &Path) -> Result<Vec<(String, Vec<u8>)>, StartError> {
    let read = || {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            files.push((name, std::fs::read(&path)?));
        }
        // In one order, whatever the file system's.
        files.sort();
        Ok(files)
    };
    read().map_err(|error: std::io::Error| unusable(error.into()))
}

fn unusable(cause: Box<dyn std::error::Error + Send + Sync>) -> StartError {
    StartError::other("the authorities of passports (`evidence.csca`) cannot be used")(cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sandbox_keeps_its_country() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDirectory::open(folder.path()).unwrap();
        let (first, second) = (Country::open(&data).unwrap(), Country::open(&data).unwrap());
        let kept = |country: &Country| country.utopia().unwrap().kept().unwrap();
        assert_eq!(kept(&first), kept(&second));
        let anchors = TrustAnchors::read(&second.files().unwrap(), SystemClock.now()).unwrap();
        assert_eq!((anchors.len(), anchors.left_out()), (1, 0));
    }

    #[test]
    fn a_chip_is_required_or_offered_and_nothing_else() {
        let read = toml::from_str::<EvidenceConfig>;
        let chip = |text| read(text).map(|config| config.passport_chip);
        assert_eq!(
            chip("passport_chip = \"required\""),
            Ok(Some(ChipConfig::Required))
        );
        assert_eq!(chip("passport_chip = \"offered\""), Ok(Some(ChipConfig::Offered)));
        assert_eq!(chip("csca = \"/etc/cyberid/csca\""), Ok(None));
        assert!(chip("passport_chip = \"never\"").is_err());
    }
}
