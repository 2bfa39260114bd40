//! The archive of all data that the platform holds about a person: texts, and one signed list of their hashes.

use std::collections::BTreeMap;

use cyberid_crypto::{PublicKey, digest};
use cyberid_domain::UnixTime;
use serde::{Deserialize, Serialize};

use crate::message::{self, Message};

/// The version of the archive's form.
pub const FORM: &str = "cyberid/v1/export";

/// The answer of `GET /v1/me/export`, and the file that a holder keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Archive {
    /// The signed manifest (`cyberid-export+jwt`).
    pub manifest: String,
    /// Each part under its name: JSON lines, one object each.
    pub parts: BTreeMap<String, String>,
}

/// The claims of the manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The platform's issuer.
    pub iss: String,
    /// The thumbprint of the device key that asked.
    pub sub: String,
    /// The form, [`FORM`].
    pub form: String,
    /// When it was made.
    pub iat: UnixTime,
    /// Every part, by name.
    pub parts: Vec<PartHash>,
    /// What is held and is not in the archive.
    pub withheld: Vec<Withheld>,
}

impl Message for Manifest {
    const TYP: &'static str = "cyberid-export+jwt";
}

/// A part of the archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartHash {
    /// Its name.
    pub name: String,
    /// How many lines it has.
    pub entries: u64,
    /// SHA-256 of its text, base64url.
    pub sha256: String,
}

/// Something that is held about the person, and why it is not in the archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Withheld {
    /// What.
    pub what: String,
    /// Why.
    pub why: String,
}

/// An archive that is as the platform signed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedArchive {
    /// What the platform signed.
    pub manifest: Manifest,
    /// The parts.
    pub parts: BTreeMap<String, String>,
}

/// Why an archive proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveRefused {
    /// The manifest is not signed by this key, or is no manifest of this form.
    #[error("the manifest is not one that this key signed")]
    Manifest,
    /// It is another platform's.
    #[error("the archive is of {0}")]
    AnotherIssuer(String),
    /// A part is not the one that was signed, is missing, or is there twice.
    #[error("the part `{0}` is not the one that was signed")]
    Part(String),
    /// A part is there that was not signed.
    #[error("the part `{0}` was not signed")]
    Unsigned(String),
}

impl PartHash {
    /// The hash of a part.
    pub fn of(name: &str, text: &str) -> Self {
        Self {
            name: name.to_owned(),
            entries: u64::try_from(text.lines().count()).unwrap_or(u64::MAX),
            sha256: digest::sha256_base64url(text.as_bytes()),
        }
    }
}

impl Archive {
    /// Checks that a platform signed every part, and nothing is missing or added. Nobody is asked.
    pub fn verify(self, issuer: &str, key: &PublicKey) -> Result<VerifiedArchive, ArchiveRefused> {
        let manifest: Manifest = message::open(&self.manifest, key).map_err(|_| ArchiveRefused::Manifest)?;
        if manifest.form != FORM {
            return Err(ArchiveRefused::Manifest);
        }
        if manifest.iss != issuer {
            return Err(ArchiveRefused::AnotherIssuer(manifest.iss));
        }
        let mut left = self.parts.clone();
        for signed in &manifest.parts {
            let text = left.remove(&signed.name);
            if text.is_none_or(|text| PartHash::of(&signed.name, &text) != *signed) {
                return Err(ArchiveRefused::Part(signed.name.clone()));
            }
        }
        match left.into_keys().next() {
            Some(name) => Err(ArchiveRefused::Unsigned(name)),
            None => Ok(VerifiedArchive {
                manifest,
                parts: self.parts,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use cyberid_crypto::{Sign as _, SigningKey};

    use super::*;

    const ISSUER: &str = "https://id.example";

    fn key(scalar: u8) -> SigningKey {
        SigningKey::from_scalar(&[scalar; 32]).unwrap()
    }

    fn archive() -> Archive {
        let parts: BTreeMap<String, String> = [("device", "{\"a\":1}\n{\"a\":2}\n"), ("visits", "")]
            .map(|(name, text)| (name.to_owned(), text.to_owned()))
            .into();
        let manifest = Manifest {
            iss: ISSUER.into(),
            sub: "jkt".into(),
            form: FORM.into(),
            iat: UnixTime(7),
            parts: parts
                .iter()
                .map(|(name, text)| PartHash::of(name, text))
                .collect(),
            withheld: vec![],
        };
        Archive {
            manifest: manifest.sign(&key(1)).unwrap(),
            parts,
        }
    }

    fn refused(change: impl FnOnce(&mut Archive)) -> Option<ArchiveRefused> {
        let mut changed = archive();
        change(&mut changed);
        changed.verify(ISSUER, &key(1).public_key()).err()
    }

    #[test]
    fn an_archive_is_good_only_whole_and_as_it_was_signed() {
        let verified = archive().verify(ISSUER, &key(1).public_key()).unwrap();
        assert_eq!(verified.manifest.parts[0].entries, 2);
        assert_eq!(verified.parts.len(), 2);
        let part = |name: &str| Some(ArchiveRefused::Part(name.into()));
        assert_eq!(
            refused(|it| it.parts.get_mut("device").unwrap().push(' ')),
            part("device")
        );
        assert_eq!(refused(|it| drop(it.parts.remove("visits"))), part("visits"));
        let added = refused(|it| drop(it.parts.insert("more".into(), String::new())));
        assert_eq!(added, Some(ArchiveRefused::Unsigned("more".into())));
        let other = archive().verify(ISSUER, &key(2).public_key());
        assert_eq!(other, Err(ArchiveRefused::Manifest));
        let elsewhere = archive().verify("https://other.example", &key(1).public_key());
        assert_eq!(elsewhere, Err(ArchiveRefused::AnotherIssuer(ISSUER.into())));
    }
}
