//! One key as it stands in the file.

use std::fmt;

use cyberid_crypto::Suite;
use cyberid_domain::UnixTime;
use serde::{Deserialize, Serialize};

use crate::public::PublicHalf;
use crate::role::RoleName;

/// Where a key is in its life: next -> active -> retained -> revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Made and published, not used yet.
    Next,
    /// The one key of its role that does new work.
    Active,
    /// Does no new work; what it signed is still verified, what was sealed to it is still opened.
    Retained,
    /// Its private half is destroyed, and nothing of it is trusted.
    Revoked,
}

impl State {
    /// The state's name in the file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Active => "active",
            Self::Retained => "retained",
            Self::Revoked => "revoked",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where a private half is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// Sealed in the list of keys; in this process's memory while the keystore is open.
    Memory,
    /// In the token, which uses it and never shows it.
    Token,
    /// Nowhere any more.
    Destroyed,
}

impl Place {
    /// The place's name at the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Token => "token",
            Self::Destroyed => "destroyed",
        }
    }
}

/// What anyone may know of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyInfo {
    /// The one thing the key is for.
    pub role: RoleName,
    /// The thumbprint of the public half, or a random id where there is none.
    pub id: String,
    /// Where the key is in its life.
    pub state: State,
    /// When it was made.
    pub created: UnixTime,
    /// The suite that it was made for.
    pub suite: Suite,
    /// Its public half, if its kind has one.
    pub public: Option<PublicHalf>,
    /// Where its private half is.
    pub place: Place,
    /// What another key of this keystore says of it, for outsiders: a compact JWS.
    pub certificate: Option<String>,
}

/// A key in the file.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    pub(crate) role: RoleName,
    pub(crate) id: String,
    pub(crate) state: State,
    pub(crate) created: UnixTime,
    /// The suite that it was made for: one for all keys of a keystore.
    #[serde(default, skip_serializing_if = "is_nist")]
    pub(crate) suite: Suite,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) public: Option<PublicHalf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) certificate: Option<String>,
    /// Absent once destroyed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) private: Option<PrivateHalf>,
}

/// Where a private half is to be found.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum PrivateHalf {
    Sealed(SealedHalf),
    Inside(Inside),
}

/// A private half under AES-256-GCM, in base64url: it is in memory while the keystore is open.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SealedHalf {
    pub(crate) nonce: String,
    pub(crate) ciphertext: String,
}

/// A private half in the machine, by the id of its object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Inside {
    pub(crate) object: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "what serde calls")]
fn is_nist(suite: &Suite) -> bool {
    *suite == Suite::Nist
}

impl Entry {
    /// What the sealed private half is bound to, so that it opens as this key in this state only.
    ///
    /// No two entries share it: role, state and time hold no line break, so whatever lies between is the id.
    pub(crate) fn associated_data(&self) -> Vec<u8> {
        let Self {
            role,
            id,
            state,
            created,
            ..
        } = self;
        format!("cyberid-keystore/1\n{role}\n{id}\n{state}\n{}", created.0).into_bytes()
    }

    pub(crate) fn info(&self) -> KeyInfo {
        KeyInfo {
            role: self.role,
            id: self.id.clone(),
            state: self.state,
            created: self.created,
            suite: self.suite,
            public: self.public,
            place: match self.private {
                Some(PrivateHalf::Sealed(_)) => Place::Memory,
                Some(PrivateHalf::Inside(_)) => Place::Token,
                None => Place::Destroyed,
            },
            certificate: self.certificate.clone(),
        }
    }

    /// The object in the machine, if its private half is there.
    pub(crate) fn object(&self) -> Option<&str> {
        match &self.private {
            Some(PrivateHalf::Inside(inside)) => Some(&inside.object),
            _ => None,
        }
    }
}
