//! Where a ledger is read: behind a platform's address, or in a directory.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use cyberid_auditor::{ANCHORS_FILE, AuditAnchors, DirectorySource, HttpSource, LedgerSource};
use cyberid_client::{Client, Session};
use cyberid_protocol::discovery::Discovery;

use super::regulator::Regulator;
use crate::command::outside::Failure;

/// Where a ledger is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// Behind a platform's address.
    Platform(String),
    /// In a directory, as an export left it.
    Directory(PathBuf),
}

impl FromStr for Place {
    type Err = std::convert::Infallible;

    /// An address, with or without the ledger's own path; all else is a directory.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let address = text.trim_end_matches('/');
        let is_address = address.starts_with("http://") || address.starts_with("https://");
        Ok(if is_address {
            Self::Platform(address.strip_suffix("/ledger").unwrap_or(address).into())
        } else {
            Self::Directory(text.into())
        })
    }
}

/// A ledger that was reached, and what is said of its anchors there.
pub(super) struct Ledger {
    pub(super) source: Box<dyn LedgerSource>,
    /// What the platform or the directory itself says is to be trusted: nobody's word, at a first contact.
    pub(super) said: Option<AuditAnchors>,
    /// The platform, where there is one.
    pub(super) platform: Option<Platform>,
}

/// A platform that is called as its regulator.
pub(super) struct Platform {
    pub(super) issuer: String,
    pub(super) regulator: Session,
}

impl Ledger {
    /// Reaches the ledger; a platform gives entries to its regulator only.
    pub(super) async fn open(place: &Place, regulator: &Regulator) -> Result<Self, Failure> {
        match place {
            Place::Platform(address) => Self::behind(address, regulator).await,
            Place::Directory(directory) => Self::inside(directory),
        }
    }

    async fn behind(address: &str, regulator: &Regulator) -> Result<Self, Failure> {
        let client = Client::new(address)?;
        let discovery: Discovery = client.get("/.well-known/cyberid").await?;
        let session = regulator.session(&client, &discovery.issuer).await?;
        let platform = Platform {
            regulator: regulator.session(&client, &discovery.issuer).await?,
            issuer: discovery.issuer,
        };
        Ok(Self {
            source: Box::new(HttpSource::new(client, session)),
            said: Some(AuditAnchors::from(&discovery.ledger)),
            platform: Some(platform),
        })
    }

    fn inside(directory: &Path) -> Result<Self, Failure> {
        let path = directory.join(ANCHORS_FILE);
        let said = match std::fs::read(&path) {
            Ok(bytes) => Some(serde_json::from_slice(&bytes)?),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(format!("cannot read {}: {error}", path.display()).into()),
        };
        Ok(Self {
            source: Box::new(DirectorySource::new(directory)),
            said,
            platform: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> Place {
        let Ok(place) = text.parse();
        place
    }

    #[test]
    fn an_address_is_a_platforms_and_all_else_a_directory() {
        for address in [
            "https://id.example",
            "https://id.example/",
            "https://id.example/ledger",
            "https://id.example/ledger/",
        ] {
            assert_eq!(
                place(address),
                Place::Platform("https://id.example".into()),
                "{address}"
            );
        }
        for directory in ["ledger", "./copy", "/var/lib/ledger", "id.example"] {
            assert_eq!(
                place(directory),
                Place::Directory(directory.into()),
                "{directory}"
            );
        }
    }

    #[test]
    fn a_directory_without_anchors_says_nothing_of_them() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Ledger::inside(folder.path()).unwrap().said, None);
        let anchors = AuditAnchors {
            vkey: "v".into(),
            policy: "p".into(),
        };
        std::fs::write(
            folder.path().join(ANCHORS_FILE),
            serde_json::to_vec(&anchors).unwrap(),
        )
        .unwrap();
        assert_eq!(Ledger::inside(folder.path()).unwrap().said, Some(anchors));
        std::fs::write(folder.path().join(ANCHORS_FILE), b"{}").unwrap();
        assert!(Ledger::inside(folder.path()).is_err());
    }
}
