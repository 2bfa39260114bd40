//! An authority in front of its platform: its keys, its calls, its officers.

use std::path::Path;
use std::sync::Arc;

use cyberid_client::key_file::{PrivateKey, read_private};
use cyberid_client::{Pins, Platform, Session};
use cyberid_crypto::{SigningKey, json};
use cyberid_domain::clock::SystemClock;
use cyberid_domain::id::{ClientId, Nonce, OfficialAccessId};
use cyberid_domain::rng::SystemRng;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{Common, Signer};
use crate::command::outside::{ClientKey, Failure, Home, call_as};

const PARTY: &str = "authority";
const PLATFORM: &str = "platform.json";

/// An authority's keys.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AuthorityKey {
    client_id: ClientId,
    signing_jwk: PrivateKey,
    encryption_jwk: PrivateKey,
    /// Told by a sandbox.
    #[serde(default, rename = "name")]
    _name: String,
    /// Told by a sandbox; elsewhere each officer keeps their own.
    #[serde(default)]
    officers: Vec<OfficerKey>,
}

/// An officer's key.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OfficerKey {
    #[serde(rename = "id")]
    _id: String,
    signing_jwk: PrivateKey,
}

#[derive(Debug, Deserialize)]
struct Sandbox {
    authority: AuthorityKey,
}

/// An authority in front of its platform.
pub(super) struct Bureau {
    /// The platform as it was pinned.
    pub(super) platform: Platform,
    /// Calls as the authority.
    pub(super) session: Session,
    home: Home,
    key: AuthorityKey,
}

impl Bureau {
    /// The authority that a command line names.
    pub(super) async fn open(common: &Common) -> Result<Self, Failure> {
        let home = Home::open(common.home.as_deref(), PARTY)?;
        let pins: Option<Pins> = home.load(PLATFORM)?;
        let client = common.server.client(pins.as_ref())?;
        let platform = match pins {
            Some(pins) => Platform::pinned(client.clone(), pins, Arc::new(SystemClock))?,
            None => Platform::contact(client.clone(), Arc::new(SystemClock)).await?,
        };
        home.save(PLATFORM, platform.pins())?;
        let key = match &common.authority_key {
            Some(path) => load(path, "the authority's key")?,
            None => client.get::<Sandbox>("/sandbox/keys").await?.authority,
        };
        let own = ClientKey {
            client_id: key.client_id.clone(),
            signing_jwk: key.signing_jwk.clone(),
        };
        let session = call_as(&own, client, platform.issuer())?;
        Ok(Self {
            platform,
            session,
            home,
            key,
        })
    }

    /// Its client id.
    pub(super) fn client_id(&self) -> &ClientId {
        &self.key.client_id
    }

    /// The key that plaintext is encrypted to.
    pub(super) fn encryption_key(&self) -> &PrivateKey {
        &self.key.encryption_jwk
    }

    /// The officer who signs; in a sandbox the `usual` one, counted from 1, unless another is named.
    pub(super) fn officer(&self, signer: &Signer, usual: usize) -> Result<SigningKey, Failure> {
        if let Some(path) = &signer.officer_key {
            let key: OfficerKey = load(path, "the officer's key")?;
            return Ok(key.signing_jwk.to_signing_key()?);
        }
        let nth = signer.officer.unwrap_or(usual);
        let officer = nth.checked_sub(1).and_then(|nth| self.key.officers.get(nth));
        let officer = officer.ok_or_else(|| format!("the sandbox has no officer {nth}"))?;
        Ok(officer.signing_jwk.to_signing_key()?)
    }

    /// The key under which an answer can be fetched again: durable before the first call.
    pub(super) fn idempotency_key(&self, id: &OfficialAccessId) -> Result<Nonce, Failure> {
        let file = format!("accesses/{id}.json");
        if let Some(key) = self.home.load(&file)? {
            return Ok(key);
        }
        let key = Nonce::random(&SystemRng);
        self.home.save(&file, &key)?;
        Ok(key)
    }
}

fn load<T: DeserializeOwned>(path: &Path, what: &str) -> Result<T, Failure> {
    let bytes = read_private(path).map_err(|error| format!("{what} {}: {error}", path.display()))?;
    Ok(json::from_slice(&bytes).map_err(|error| format!("{what} {}: {error}", path.display()))?)
}
