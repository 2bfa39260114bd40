//! What a party outside knows of the platform: who it is, which keys sign for it, and to which key to seal.
//!
//! The issuer and the ledger are pinned at the first contact, or by configuration; what changes in the platform's own
//! time (signing keys, the sealing key) is fetched again when it has to be.

use std::collections::HashMap;
use std::sync::Arc;

use cyberid_crypto::jws::{InvalidJws, Unverified};
use cyberid_crypto::{PublicKey, Suite, jwk::InvalidKey};
use cyberid_domain::{Clock, UnixTime};
use cyberid_protocol::discovery::{Discovery, PlatformKey, PlatformKeys};
use cyberid_protocol::key_certificate::KeyCertificate;
use cyberid_protocol::message::Message;
use cyberid_protocol::warrant::Anchors;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use crate::{Client, ClientError};

/// For how many seconds fetched keys are used without a look at the platform: a revoked key lives on that long.
pub const KEYS_FRESH: u64 = 300;
/// How many seconds have to pass before an unknown key id, or an answer that did not come, makes us ask again: neither
/// garbage nor an outage may become a flood.
pub const REFRESH_INTERVAL: u64 = 10;

/// What a platform key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyRole {
    /// Attestations.
    Attestation,
    /// Request objects.
    Request,
    /// Network certificates.
    Certificate,
    /// Registration certificates.
    Registration,
    /// Released identities.
    Identity,
    /// Security events.
    Event,
}

impl KeyRole {
    /// The name in the platform's key set.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Attestation => "attestation",
            Self::Request => "request",
            Self::Certificate => "certificate",
            Self::Registration => "registration",
            Self::Identity => "identity",
            Self::Event => "event",
        }
    }
}

/// What never changes about a platform, as a party keeps it between runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pins {
    /// The issuer.
    pub issuer: String,
    /// The ledger's verifier key (C2SP signed-note).
    pub ledger_vkey: String,
    /// Where the ledger is read.
    pub ledger_url: String,
    /// The witness policy (C2SP tlog-policy).
    pub policy: String,
    /// The suite of algorithms that every key and every message of the platform is of.
    #[serde(default)]
    pub suite: Suite,
}

/// Why the platform is not taken for what it says.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PlatformError {
    /// It did not answer as it should.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// It names another issuer than the address that it was reached at (RFC 8414 section 3.3).
    #[error("the platform at this address says it is {issuer}")]
    AnotherIssuer {
        /// What it says.
        issuer: String,
    },
    /// Its issuer, its suite, its ledger or its policy is not what was pinned.
    #[error("the platform is not the one that was pinned")]
    PinsDiffer,
    /// The party's own key is of another suite than the platform runs.
    #[error("the platform runs the suite `{platform}`, and this key is of the suite `{key}`")]
    AnotherSuite {
        /// The key's.
        key: Suite,
        /// The platform's.
        platform: Suite,
    },
    /// Its ledger key, its policy or its sealing key cannot be read.
    #[error("the platform's description is malformed")]
    Malformed,
}

/// Why a message is not taken for the platform's.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum MessageRefused {
    /// It is not a well-formed message of its type, or its signature does not fit.
    #[error(transparent)]
    Jws(#[from] InvalidJws),
    /// The platform has no such key.
    #[error("signed by a key that is not the platform's")]
    UnknownKey,
    /// The key signs something else.
    #[error("signed by a key of another role")]
    WrongRole,
    /// The platform's keys could not be fetched.
    #[error("the platform's keys are not at hand: {0}")]
    Keys(ClientError),
}

/// The platform as a party outside knows it.
pub struct Platform {
    client: Client,
    pins: Pins,
    anchors: Anchors,
    clock: Arc<dyn Clock>,
    attestation_root: Option<PublicKey>,
    keys: Mutex<HeldKeys>,
    sealing: Mutex<Option<Sealing>>,
}

/// The keys that were fetched last, and why they could not be fetched since.
#[derive(Default)]
struct HeldKeys {
    keys: Option<Keys>,
    failed: Option<(UnixTime, ClientError)>,
}

struct Keys {
    by_kid: HashMap<String, (PublicKey, String)>,
    fetched: UnixTime,
}

#[derive(Clone, Copy)]
struct Sealing {
    key: PublicKey,
    fetched: UnixTime,
}

impl Platform {
    /// Meets a platform for the first time: it has to be the issuer of the address that it is reached at, and from
    /// then on it has to stay what it is now.
    pub async fn contact(client: Client, clock: Arc<dyn Clock>) -> Result<Self, PlatformError> {
        let discovery = discover(&client).await?;
        if discovery.issuer != client.base() {
            return Err(PlatformError::AnotherIssuer {
                issuer: discovery.issuer,
            });
        }
        Self::pinned(client, Pins::from(&discovery), clock)
    }

    /// A platform whose pins are known; it is not called yet.
    pub fn pinned(client: Client, pins: Pins, clock: Arc<dyn Clock>) -> Result<Self, PlatformError> {
        let anchors = Anchors {
            issuer: pins.issuer.clone(),
            ledger: pins.ledger_vkey.parse().map_err(|_| PlatformError::Malformed)?,
            policy: cyberid_tlog::policy::Policy::parse(pins.policy.as_bytes())
                .map_err(|_| PlatformError::Malformed)?,
        };
        Ok(Self {
            client,
            pins,
            anchors,
            clock,
            attestation_root: None,
            keys: Mutex::default(),
            sealing: Mutex::default(),
        })
    }

    /// The same platform, believing only attestation keys that this key, the platform's `attestation-root`, vouches for:
    /// an attacker who alters the key set alone then forges no attestation.
    #[must_use]
    pub fn trusting_root(self, root: PublicKey) -> Self {
        Self {
            attestation_root: Some(root),
            ..self
        }
    }

    /// What to keep, so that the next run meets the same platform.
    pub fn pins(&self) -> &Pins {
        &self.pins
    }

    /// The issuer, the ledger's key and the policy.
    pub fn anchors(&self) -> &Anchors {
        &self.anchors
    }

    /// The issuer.
    pub fn issuer(&self) -> &str {
        &self.anchors.issuer
    }

    /// The suite of algorithms that it runs: keys for it are made of this suite, and messages of another are refused.
    pub fn suite(&self) -> Suite {
        self.pins.suite
    }

    /// Accepts a key that a party of this platform can use with it.
    pub fn require_own_suite(&self, key: &PublicKey) -> Result<(), PlatformError> {
        if key.suite() == self.suite() {
            return Ok(());
        }
        Err(PlatformError::AnotherSuite {
            key: key.suite(),
            platform: self.suite(),
        })
    }

    /// The client by which the platform is reached.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// A client of the ledger, by the way on which the platform itself is reached where it serves the ledger.
    pub fn ledger_client(&self) -> Result<Client, ClientError> {
        match self.pins.ledger_url.strip_prefix(self.issuer()) {
            Some(path) => self.client.at(&format!("{}{path}", self.client.base())),
            None => self.client.at(&self.pins.ledger_url),
        }
    }

    /// The key that messages are sealed to; it changes daily.
    pub async fn sealing_key(&self) -> Result<PublicKey, PlatformError> {
        let mut held = self.sealing.lock().await;
        if let Some(sealing) = *held
            && self.is_fresh(sealing.fetched)
        {
            return Ok(sealing.key);
        }
        let discovery = discover(&self.client).await?;
        if Pins::from(&discovery) != self.pins {
            return Err(PlatformError::PinsDiffer);
        }
        let key =
            PublicKey::try_from(&discovery.encryption_jwk).map_err(|InvalidKey| PlatformError::Malformed)?;
        if key.suite() != self.suite() {
            return Err(PlatformError::Malformed);
        }
        let fetched = self.clock.now();
        *held = Some(Sealing { key, fetched });
        Ok(key)
    }

    /// The claims of a message that the platform signed with a key of this role.
    pub async fn open<M: Message>(&self, role: KeyRole, compact: &str) -> Result<M, MessageRefused> {
        self.verify(role, M::TYP, compact).await
    }

    /// The claims of a message of this `typ` that the platform signed with a key of this role.
    pub async fn verify<T: DeserializeOwned>(
        &self,
        role: KeyRole,
        typ: &str,
        compact: &str,
    ) -> Result<T, MessageRefused> {
        let message = Unverified::parse(compact, typ)?;
        let key = self.key(role, message.kid()?).await?;
        Ok(message.verify(&key)?)
    }

    /// The platform's key of this role by which a message of this `typ` is signed, as it says: for checking it again
    /// later, without the platform.
    pub async fn signer(&self, role: KeyRole, typ: &str, compact: &str) -> Result<PublicKey, MessageRefused> {
        let message = Unverified::parse(compact, typ)?;
        self.key(role, message.kid()?).await
    }

    async fn key(&self, role: KeyRole, kid: &str) -> Result<PublicKey, MessageRefused> {
        // Whoever comes meanwhile waits for the same answer.
        let mut held = self.keys.lock().await;
        let usable = held.keys.as_ref().is_some_and(|keys| {
            let known = keys.by_kid.contains_key(kid);
            self.is_fresh(keys.fetched) && (known || self.is_recent(keys.fetched))
        });
        if !usable {
            self.refresh(&mut held).await.map_err(MessageRefused::Keys)?;
        }
        let known = held.keys.as_ref().and_then(|keys| keys.by_kid.get(kid));
        let (key, of_role) = known.ok_or(MessageRefused::UnknownKey)?;
        if of_role == role.as_str() {
            Ok(*key)
        } else {
            Err(MessageRefused::WrongRole)
        }
    }

    async fn refresh(&self, held: &mut HeldKeys) -> Result<(), ClientError> {
        if let Some((failed, error)) = &held.failed
            && self.is_recent(*failed)
        {
            return Err(error.clone());
        }
        match self.fetch_keys().await {
            Ok(keys) => {
                let (keys, failed) = (Some(keys), None);
                *held = HeldKeys { keys, failed };
                Ok(())
            }
            Err(error) => {
                held.failed = Some((self.clock.now(), error.clone()));
                Err(error)
            }
        }
    }

    async fn fetch_keys(&self) -> Result<Keys, ClientError> {
        let published: PlatformKeys = self.client.get("/.well-known/jwks.json").await?;
        let keys = published.keys.into_iter().filter_map(|published| {
            // A key id is believed only as the thumbprint of its key.
            let key = PublicKey::try_from(&published.jwk).ok()?;
            // A key of another suite is nobody's here, whoever publishes it.
            let own = key.suite() == self.suite() && self.is_vouched_for(&key, &published);
            own.then(|| (key.thumbprint(), (key, published.role)))
        });
        Ok(Keys {
            by_kid: keys.collect(),
            fetched: self.clock.now(),
        })
    }

    /// Where the attestation root is pinned, what signs attestations needs its certificate.
    fn is_vouched_for(&self, key: &PublicKey, published: &PlatformKey) -> bool {
        let role = KeyRole::Attestation.as_str();
        let Some(root) = self.attestation_root.as_ref().filter(|_| published.role == role) else {
            return true;
        };
        let certificate = published.certificate.as_deref();
        certificate
            .is_some_and(|compact| KeyCertificate::check(compact, root, role, key, self.clock.now()).is_ok())
    }

    fn is_recent(&self, asked: UnixTime) -> bool {
        self.clock.now().since(asked) < REFRESH_INTERVAL
    }

    fn is_fresh(&self, fetched: UnixTime) -> bool {
        self.clock.now().since(fetched) < KEYS_FRESH
    }
}

impl std::fmt::Debug for Platform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Platform")
            .field("pins", &self.pins)
            .finish_non_exhaustive()
    }
}

impl From<&Discovery> for Pins {
    fn from(discovery: &Discovery) -> Self {
        Self {
            issuer: discovery.issuer.clone(),
            ledger_vkey: discovery.ledger.vkey.clone(),
            ledger_url: discovery.ledger.url.clone(),
            policy: discovery.ledger.policy.clone(),
            suite: discovery.suite,
        }
    }
}

async fn discover(client: &Client) -> Result<Discovery, ClientError> {
    client.get("/.well-known/cyberid").await
}

#[cfg(test)]
mod tests;
