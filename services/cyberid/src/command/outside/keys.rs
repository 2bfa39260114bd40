//! Registered clients and their keys: from a file of their own, or all of them from a sandbox.

use std::path::Path;
use std::sync::Arc;

use cyberid_client::key_file::{KeyFileError, PrivateKey, read_private};
use cyberid_client::{Client, ClientError, Session};
use cyberid_crypto::{KeyFailure, json};
use cyberid_domain::clock::SystemClock;
use cyberid_domain::id::ClientId;
use cyberid_domain::rng::SystemRng;
use serde::Deserialize;

/// A client with its key: `{"client_id": .., "signing_jwk": ..}`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClientKey {
    /// The client's id.
    pub(crate) client_id: ClientId,
    /// Its private key, with which it shows who it is.
    pub(crate) signing_jwk: PrivateKey,
}

/// The keys of a sandbox's parties (`GET /sandbox/keys`).
#[derive(Debug, Deserialize)]
pub(crate) struct SandboxKeys {
    /// The relying party.
    pub(crate) relying_party: SandboxRelyingParty,
    /// The operators.
    pub(crate) operators: Vec<ClientKey>,
    /// The regulator.
    pub(crate) regulator: ClientKey,
}

/// A sandbox's relying party.
#[derive(Debug, Deserialize)]
pub(crate) struct SandboxRelyingParty {
    /// Its id.
    pub(crate) client_id: ClientId,
    /// Its private key to sign with.
    pub(crate) signing_jwk: PrivateKey,
    /// Its private key to open with what is released to it.
    pub(crate) encryption_jwk: PrivateKey,
}

impl ClientKey {
    /// Reads a client's file, which has to be its owner's alone.
    pub(crate) fn load(path: &Path) -> Result<Self, KeyFileError> {
        json::from_slice(&read_private(path)?).map_err(|_| KeyFileError::Malformed)
    }
}

impl SandboxKeys {
    /// Asks a sandbox for them; another platform has none.
    pub(crate) async fn fetch(client: &Client) -> Result<Self, ClientError> {
        client.get("/sandbox/keys").await
    }
}

/// Calls as this client; `issuer` is the platform's own name, however it is reached.
pub(crate) fn call_as(who: &ClientKey, client: Client, issuer: &str) -> Result<Session, KeyFailure> {
    let key = who.signing_jwk.to_signing_key().map_err(|_| KeyFailure)?;
    let (clock, rng) = (Arc::new(SystemClock), Arc::new(SystemRng));
    Ok(Session::client(
        client,
        issuer,
        who.client_id.clone(),
        Arc::new(key),
        clock,
        rng,
    ))
}

#[cfg(test)]
mod tests {
    use cyberid_client::key_file::write_private;

    use super::*;

    fn text(jwk: &PrivateKey) -> Vec<u8> {
        let jwk: serde_json::Value = serde_json::from_slice(&jwk.to_jwk()).unwrap();
        serde_json::json!({"client_id": "AAAAAAAAAAAAAAAAAAAAAA", "signing_jwk": jwk})
            .to_string()
            .into_bytes()
    }

    #[test]
    fn a_client_is_read_from_a_file_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let key = PrivateKey::make(&SystemRng);
        write_private(&folder.path().join("own.json"), &text(&key)).unwrap();
        let read = ClientKey::load(&folder.path().join("own.json")).unwrap();
        assert_eq!(read.signing_jwk.public_key(), key.public_key());
        std::fs::write(folder.path().join("open.json"), text(&key)).unwrap();
        let exposed = ClientKey::load(&folder.path().join("open.json"));
        assert!(matches!(exposed, Err(KeyFileError::Exposed { .. })));
        write_private(&folder.path().join("bad.json"), b"{}").unwrap();
        let malformed = ClientKey::load(&folder.path().join("bad.json"));
        assert!(matches!(malformed, Err(KeyFileError::Malformed)));
    }
}
