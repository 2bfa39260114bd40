//! A relying party's directory: its keys, its registration, what it pinned and saw, and its open questions.

use std::path::PathBuf;
use std::sync::Arc;

use cyberid_crypto::{Jwk, PublicKey, Suite};
use cyberid_domain::Clock as _;
use cyberid_domain::UnixTime;
use cyberid_domain::clock::{SKEW, SystemClock};
use cyberid_domain::id::{Nonce, ReleaseId, VerificationId};
use cyberid_domain::relying_party::RegistrationStatus;
use cyberid_domain::rng::SystemRng;
use cyberid_protocol::registration::Registered;
use cyberid_relying_party::{
    Expected, PendingRelease, PendingVerification, Pins, Platform, RelyingParty, RpKeys, Tree,
};
use serde::{Deserialize, Serialize};

use super::Common;
use crate::command::outside::{Failure, Home};

const PARTY: &str = "rp";
const KEYS: &str = "keys.json";
/// Keys that were announced: in use once they are in force.
const NEXT_KEYS: &str = "next-keys.json";
const REGISTRATION: &str = "registration.json";
const PLATFORM: &str = "platform.json";
const LEDGER: &str = "ledger.json";
const EVENTS: &str = "events.json";
const DIRECT: &str = "direct";

/// Why a directory, or what is in it, is not what is needed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum PartyError {
    /// No relying party is registered from here.
    #[error("no relying party is registered in {}: begin with `cyberid rp register` or `rp adopt --sandbox`", home.display())]
    NotRegistered {
        /// The directory.
        home: PathBuf,
    },
    /// A relying party is registered from here.
    #[error("a relying party is registered in {} already: another one is another `--home DIR`", home.display())]
    Registered {
        /// The directory.
        home: PathBuf,
    },
    /// The question was not asked from here, or was answered.
    #[error("{what} is not open here: it was asked from another directory, or has its answer")]
    NotOpen {
        /// Its id.
        what: String,
    },
    /// There is no direct question to answer.
    #[error("no direct question is open here: ask one with `cyberid rp verify --direct`")]
    NoQuestion,
    /// There is more than one.
    #[error("{open} direct questions are open here: say which by `--nonce`")]
    WhichQuestion {
        /// How many.
        open: usize,
    },
}

/// A registered relying party.
pub(super) struct Party {
    home: Home,
    /// The relying party in front of its platform.
    pub(super) rp: RelyingParty,
    /// The file of the keys in use.
    keys: &'static str,
}

/// Where a directory's relying party will stand.
pub(super) struct Newcomer {
    home: Home,
    keys: RpKeys,
}

/// A direct question that waits for its answer.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OpenQuestion {
    expected: Expected,
    until: UnixTime,
}

impl Newcomer {
    /// A relying party that is about to register. Its keys are durable before anybody hears of them; those of an
    /// attempt that came to nothing are used again.
    pub(super) fn begin(common: &Common, suite: Suite) -> Result<Self, Failure> {
        let home = vacant(common)?;
        let path = home.path(KEYS);
        let keys = if path.exists() {
            RpKeys::load(&path)?
        } else {
            let keys = RpKeys::make_of(suite, &SystemRng)?;
            keys.save(&path)?;
            keys
        };
        Ok(Self { home, keys })
    }

    /// A relying party that exists, with its keys.
    pub(super) fn adopt(common: &Common, keys: RpKeys) -> Result<Self, Failure> {
        let home = vacant(common)?;
        home.remove(KEYS)?;
        home.remove(NEXT_KEYS)?;
        keys.save(&home.path(KEYS))?;
        Ok(Self { home, keys })
    }

    /// Its keys.
    pub(super) fn keys(&self) -> &RpKeys {
        &self.keys
    }

    /// Keeps the registration, and pins the platform that gave it.
    pub(super) fn registered(&self, platform: &Platform, registered: &Registered) -> Result<(), Failure> {
        self.home.save(PLATFORM, platform.pins())?;
        Ok(self.home.save(REGISTRATION, registered)?)
    }
}

impl Party {
    /// The relying party of this directory.
    pub(super) fn open(common: &Common) -> Result<Self, Failure> {
        Self::open_with(common, keys_in_use)
    }

    /// The relying party of this directory with its other keys, if there are any: for when the platform does not take
    /// those that were in force when last heard.
    pub(super) fn open_with_other_keys(&self, common: &Common) -> Result<Option<Self>, Failure> {
        let other = if self.keys == KEYS { NEXT_KEYS } else { KEYS };
        if !self.home.path(other).exists() {
            return Ok(None);
        }
        Self::open_with(common, |_, _| Ok(other)).map(Some)
    }

    fn open_with(
        common: &Common,
        choose: impl FnOnce(&Home, &Registered) -> Result<&'static str, Failure>,
    ) -> Result<Self, Failure> {
        let home = Home::open(common.home.as_deref(), PARTY)?;
        let not_registered = || PartyError::NotRegistered {
            home: home.folder().to_owned(),
        };
        let registered: Registered = home.load(REGISTRATION)?.ok_or_else(not_registered)?;
        let pins: Pins = home.load(PLATFORM)?.ok_or_else(not_registered)?;
        let client = common.server.client(Some(&pins))?;
        let platform = Platform::pinned(client, pins, Arc::new(SystemClock))?;
        let seen: Tree = home.load(LEDGER)?.unwrap_or_default();
        let chosen = choose(&home, &registered)?;
        let keys = RpKeys::load(&home.path(chosen))?;
        let (clock, rng) = (Arc::new(SystemClock), Arc::new(SystemRng));
        let rp = RelyingParty::resume(platform, seen, registered.client_id, &keys, clock, rng)?
            .with_certificates(registered.registration_certificates);
        Ok(Self {
            home,
            rp,
            keys: chosen,
        })
    }

    /// Its keys.
    pub(super) fn keys(&self) -> Result<RpKeys, Failure> {
        Ok(RpKeys::load(&self.home.path(self.keys))?)
    }

    /// Keys to announce: durable before anybody hears of them, and the same until they are in use.
    pub(super) fn next_keys(&self) -> Result<RpKeys, Failure> {
        let next = self.home.path(NEXT_KEYS);
        if self.keys == NEXT_KEYS {
            // The keys before them are out of force.
            self.home.replace(KEYS, NEXT_KEYS)?;
        }
        if next.exists() {
            return Ok(RpKeys::load(&next)?);
        }
        let keys = RpKeys::make_of(self.rp.platform().suite(), &SystemRng)?;
        keys.save(&next)?;
        Ok(keys)
    }

    /// Keeps where the registration stands.
    pub(super) fn keep_registration(&self, registered: &Registered) -> Result<(), Failure> {
        Ok(self.home.save(REGISTRATION, registered)?)
    }

    /// Keeps what was seen of the ledger.
    pub(super) async fn keep_ledger(&self) -> Result<(), Failure> {
        Ok(self.home.save(LEDGER, &self.rp.ledger().last().await)?)
    }

    /// Keeps a verification until it is answered.
    pub(super) fn keep_verification(&self, pending: &PendingVerification) -> Result<(), Failure> {
        Ok(self.home.save(&verification_file(&pending.id), pending)?)
    }

    /// A verification that waits.
    pub(super) fn verification(&self, id: &VerificationId) -> Result<PendingVerification, Failure> {
        self.open_question(&verification_file(id), id.as_str())
    }

    /// Forgets a verification that has its answer.
    pub(super) fn forget_verification(&self, id: &VerificationId) -> Result<(), Failure> {
        Ok(self.home.remove(&verification_file(id))?)
    }

    /// Keeps a release until its plaintext is erased.
    pub(super) fn keep_release(&self, pending: &PendingRelease) -> Result<(), Failure> {
        Ok(self.home.save(&release_file(&pending.id), pending)?)
    }

    /// A release that was asked for.
    pub(super) fn release(&self, id: &ReleaseId) -> Result<PendingRelease, Failure> {
        self.open_question(&release_file(id), id.as_str())
    }

    /// Forgets a release.
    pub(super) fn forget_release(&self, id: &ReleaseId) -> Result<(), Failure> {
        Ok(self.home.remove(&release_file(id))?)
    }

    /// Keeps a direct question for as long as it can be answered, and drops those that cannot.
    pub(super) fn keep_question(&self, expected: Expected, until: UnixTime) -> Result<(), Failure> {
        self.open_questions()?;
        let name = question_file(expected.nonce());
        Ok(self.home.save(&name, &OpenQuestion { expected, until })?)
    }

    /// Takes the direct question of this nonce, or the only one: one question has one answer.
    pub(super) fn take_question(&self, nonce: Option<&Nonce>) -> Result<Expected, Failure> {
        let mut open = self.open_questions()?;
        if let Some(nonce) = nonce {
            open.retain(|question| question.expected.nonce() == nonce);
        }
        let count = open.len();
        let question = open.pop().filter(|_| count == 1);
        let question = question.ok_or(match count {
            0 => PartyError::NoQuestion,
            open => PartyError::WhichQuestion { open },
        })?;
        self.home.remove(&question_file(question.expected.nonce()))?;
        Ok(question.expected)
    }

    /// From where events were not read yet.
    pub(super) fn events_read(&self) -> Result<u64, Failure> {
        Ok(self.home.load(EVENTS)?.unwrap_or_default())
    }

    /// Keeps up to where events were read.
    pub(super) fn keep_events_read(&self, next: u64) -> Result<(), Failure> {
        Ok(self.home.save(EVENTS, &next)?)
    }

    fn open_questions(&self) -> Result<Vec<OpenQuestion>, Failure> {
        let mut open = Vec::new();
        for name in self.home.list(DIRECT)? {
            match self.home.load::<OpenQuestion>(&name)? {
                Some(question) if SystemClock.now() <= question.until.plus(SKEW) => open.push(question),
                _ => self.home.remove(&name)?,
            }
        }
        Ok(open)
    }

    fn open_question<T: serde::de::DeserializeOwned>(&self, name: &str, id: &str) -> Result<T, Failure> {
        let question = self.home.load(name)?;
        Ok(question.ok_or_else(|| PartyError::NotOpen { what: id.into() })?)
    }
}

/// The directory of a relying party to be; one that waits for its approval may be registered again.
fn vacant(common: &Common) -> Result<Home, Failure> {
    let home = Home::open(common.home.as_deref(), PARTY)?;
    let registered: Option<Registered> = home.load(REGISTRATION)?;
    match registered {
        Some(registered) if registered.status != RegistrationStatus::Applied => Err(PartyError::Registered {
            home: home.folder().to_owned(),
        }
        .into()),
        _ => Ok(home),
    }
}

/// The file of the keys that are in force now, by what the platform last said of the registration.
fn keys_in_use(home: &Home, registered: &Registered) -> Result<&'static str, Failure> {
    let next = home.path(NEXT_KEYS);
    if !next.exists() {
        return Ok(KEYS);
    }
    let now = SystemClock.now();
    let waiting = registered.waiting_keys.as_ref();
    let in_force = waiting
        .filter(|keys| keys.in_force_at <= now)
        .map(|keys| &keys.jwks)
        .or(registered.registration.as_ref().map(|it| &it.jwks));
    let signer = RpKeys::load(&next)?.signer();
    let named = |kid: &str| in_force.is_some_and(|set| set.keys.iter().any(|jwk| is_key(jwk, kid)));
    Ok(if named(signer.kid()) { NEXT_KEYS } else { KEYS })
}

fn is_key(jwk: &Jwk, kid: &str) -> bool {
    PublicKey::try_from(jwk).is_ok_and(|key| key.thumbprint() == kid)
}

fn verification_file(id: &VerificationId) -> String {
    format!("verifications/{id}.json")
}

fn release_file(id: &ReleaseId) -> String {
    format!("releases/{id}.json")
}

fn question_file(nonce: &Nonce) -> String {
    format!("{DIRECT}/{nonce}.json")
}
