//! The key holders that are processes of their own: how many custodians there are, and how each is reached.

use std::path::{Path, PathBuf};

use cyberid_client::{Client, Limits, Tls};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::StartError;
use super::config::{ConfigError, ConfigFile, Peer, require_private};

/// How many custodians there are where there is not one: the half of each key is shared so that any two are enough.
const SEVERAL: usize = 3;

/// Whom another process is believed to be, and as whom this one shows itself to it: files in PEM.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PeerTls {
    /// The authority that its certificate has to come from; the system's by default.
    authority: Option<PathBuf>,
    /// The certificate that this process shows, where the other asks for one.
    certificate: Option<PathBuf>,
    /// Its key (PKCS #8).
    key: Option<PathBuf>,
}

impl PeerTls {
    fn load(&self) -> Result<Tls, ConfigError> {
        let identity = match (&self.certificate, &self.key) {
            (Some(certificate), Some(key)) => Some((read(certificate)?, Zeroizing::new(read(key)?))),
            (None, None) => None,
            _ => {
                return Err(ConfigError::Unusable {
                    member: "tls",
                    why: "a peer's `certificate` and `key` are said together",
                });
            }
        };
        let authority = self.authority.as_deref().map(read).transpose()?;
        Ok(Tls { authority, identity })
    }
}

fn read(path: &Path) -> Result<Vec<u8>, ConfigError> {
    std::fs::read(path).map_err(|error| ConfigError::File {
        path: path.display().to_string(),
        cause: error.to_string(),
    })
}

impl Peer {
    /// A client of it.
    pub(crate) fn client(&self) -> Result<Client, StartError> {
        let tls = self.tls.as_ref().map(PeerTls::load).transpose()?;
        Client::over_tls(&self.url, Limits::default(), &tls.unwrap_or_default())
            .map_err(|error| StartError::other("another process's address cannot be used")(error.into()))
    }
}

/// The custodians that the configuration names: none, one, or three with keys of their own.
pub(crate) fn custodians(file: &ConfigFile) -> Result<Vec<Peer>, ConfigError> {
    let unusable = |why| {
        Err(ConfigError::Unusable {
            member: "custodians",
            why,
        })
    };
    let named: Vec<Peer> = match (&file.custodian, file.custodians.as_slice()) {
        (custodian, []) => custodian.iter().cloned().collect(),
        (None, several) if several.len() == SEVERAL => several.to_vec(),
        (None, _) => return unusable("there are three of them, or one under `custodian`"),
        (Some(_), _) => return unusable("`custodian` names the only one"),
    };
    for (index, one) in named.iter().enumerate() {
        require_private("custodian.url", &one.url)?;
        let mut others = named.iter().skip(index + 1);
        if others.any(|other| other.jwk == one.jwk || other.url == one.url) {
            return unusable("each has an address and a key of its own: one that counts twice opens alone");
        }
    }
    Ok(named)
}

#[cfg(test)]
mod tests {
    use cyberid_crypto::{Agree as _, AgreementKey};

    use super::*;

    fn peer(key: u8, port: u16) -> String {
        let key = AgreementKey::from_scalar(&[key; 32]).unwrap().public_key();
        let jwk = serde_json::to_value(key).unwrap();
        let members = jwk.as_object().unwrap().iter();
        let members: Vec<_> = members.map(|(name, value)| format!("{name} = {value}")).collect();
        format!(
            "url = 'https://c.example:{port}'\njwk = {{ {} }}\n",
            members.join(", ")
        )
    }

    fn several(peers: &[(u8, u16)]) -> String {
        let peers = peers
            .iter()
            .map(|(key, port)| format!("[[custodians]]\n{}", peer(*key, *port)));
        peers.collect()
    }

    fn count(text: &str) -> Option<usize> {
        let named = custodians(&toml::from_str(text).unwrap());
        named.ok().map(|named| named.len())
    }

    #[test]
    fn there_is_one_custodian_or_there_are_three_different_ones() {
        let one = format!("[custodian]\n{}", peer(1, 1));
        assert_eq!(count(""), Some(0));
        assert_eq!(count(&one), Some(1));
        assert_eq!(count(&several(&[(1, 1), (2, 2), (3, 3)])), Some(3));
        for wrong in [
            several(&[(1, 1)]),
            several(&[(1, 1), (2, 2)]),
            several(&[(1, 1), (2, 2), (3, 3), (4, 4)]),
            several(&[(1, 1), (2, 2), (1, 3)]),
            several(&[(1, 1), (2, 2), (3, 2)]),
            format!("{one}{}", several(&[(2, 2), (3, 3), (4, 4)])),
        ] {
            assert_eq!(count(&wrong), None, "{wrong}");
        }
        let plain = one.replace("https", "http");
        assert_eq!(count(&plain), None);
    }

    #[test]
    fn a_certificate_is_shown_with_its_key() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file.pem");
        std::fs::write(&file, "pem").unwrap();
        let tls = |authority: bool, certificate: bool, key: bool| {
            let file = |there: bool| there.then(|| file.clone());
            PeerTls {
                authority: file(authority),
                certificate: file(certificate),
                key: file(key),
            }
            .load()
        };
        assert!(tls(true, false, false).is_ok_and(|tls| tls.identity.is_none()));
        assert!(tls(false, true, true).is_ok_and(|tls| tls.identity.is_some() && tls.authority.is_none()));
        assert!(tls(true, true, false).is_err());
        assert!(tls(true, false, true).is_err());
    }
}
