//! A key as the commands show it.

use cyberid_crypto::PublicKey;
use cyberid_crypto::jwk::Jwk;
use cyberid_domain::UnixTime;
use cyberid_keystore::{KeyInfo, PublicHalf};
use cyberid_tlog::note::{SignatureType, VerifierKey};
use serde::{Deserialize, Serialize};

/// A key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Row {
    pub(super) role: String,
    pub(super) id: String,
    pub(super) state: String,
    /// `memory`, `token` or `destroyed`: where the private half is.
    pub(super) place: String,
    pub(super) created: UnixTime,
    /// A JWK, or a verifier key of the log's form; nothing where there is no public half, or no name for it.
    pub(super) public: Option<Public>,
}

/// A public half.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Public {
    Jwk(Jwk),
    VerifierKey(String),
}

impl Row {
    /// The row of a key; a note key is shown under the name `origin`.
    pub(super) fn new(key: KeyInfo, origin: Option<&str>) -> Self {
        Self {
            role: key.role.as_str().to_owned(),
            id: key.id,
            state: key.state.as_str().to_owned(),
            place: key.place.as_str().to_owned(),
            created: key.created,
            public: key.public.and_then(|half| public(&half, origin)),
        }
    }

    /// All rows.
    pub(super) fn all(keys: Vec<KeyInfo>, origin: Option<&str>) -> Vec<Self> {
        keys.into_iter().map(|key| Self::new(key, origin)).collect()
    }

    /// The public half as a key that signatures are checked with.
    pub(super) fn key(&self) -> Option<PublicKey> {
        match &self.public {
            Some(Public::Jwk(jwk)) => PublicKey::try_from(jwk).ok(),
            _ => None,
        }
    }

    /// Whether it is of a role, in a state.
    pub(super) fn is(&self, role: &str, state: &str) -> bool {
        self.role == role && self.state == state
    }

    /// One line for people.
    pub(super) fn words(&self) -> String {
        format!(
            "{:<16} {:<9} {:<9} {}  made {}",
            self.role,
            self.state,
            self.place,
            self.id,
            self.created.date()
        )
    }
}

/// The lines of rows.
pub(super) fn words(rows: &[Row]) -> String {
    rows.iter().map(Row::words).collect::<Vec<_>>().join("\n")
}

fn public(half: &PublicHalf, origin: Option<&str>) -> Option<Public> {
    match half {
        PublicHalf::Point(key) => Some(Public::Jwk(key.to_jwk())),
        PublicHalf::Ed25519(key) => {
            let vkey = VerifierKey::new(origin?, SignatureType::Ed25519, key).ok()?;
            Some(Public::VerifierKey(vkey.to_string()))
        }
    }
}
