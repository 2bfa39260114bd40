//! The client data: what the browser says that it did (section 5.8.1).

use cyberid_crypto::{base64url, digest, json};
use serde::Deserialize;

use super::PasskeyRefused;

/// The longest client data that is read, in bytes.
const LONGEST: usize = 4096;

pub(super) struct ClientData {
    pub(super) challenge: String,
    pub(super) sha256: [u8; 32],
    kind: String,
    origin: String,
    framed: bool,
}

/// The members that matter; a browser may add others (section 5.8.1, the note on future members).
#[derive(Deserialize)]
struct Members {
    #[serde(rename = "type")]
    kind: String,
    challenge: String,
    origin: String,
    #[serde(default, rename = "crossOrigin")]
    cross_origin: bool,
    #[serde(default, rename = "topOrigin")]
    top_origin: Option<String>,
}

impl ClientData {
    pub(super) fn read(text: &str) -> Result<Self, PasskeyRefused> {
        let bytes = base64url::decode(text).filter(|bytes| bytes.len() <= LONGEST);
        let bytes = bytes.ok_or(PasskeyRefused::Form)?;
        let members: Members = json::from_slice(&bytes).map_err(|_| PasskeyRefused::Form)?;
        Ok(Self {
            challenge: members.challenge,
            sha256: digest::sha256(&bytes),
            kind: members.kind,
            origin: members.origin,
            framed: members.cross_origin || members.top_origin.is_some(),
        })
    }

    pub(super) fn check(&self, kind: &str, challenge: &str, origin: &str) -> Result<(), PasskeyRefused> {
        if self.kind != kind {
            return Err(PasskeyRefused::Ceremony);
        }
        if !digest::equal(self.challenge.as_bytes(), challenge.as_bytes()) {
            return Err(PasskeyRefused::Challenge);
        }
        if self.origin != origin || self.framed {
            return Err(PasskeyRefused::Origin);
        }
        Ok(())
    }
}
