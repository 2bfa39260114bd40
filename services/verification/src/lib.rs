//! Relying parties and their one question: is this a real person, old enough, with a valid document?
//!
//! In scope: onboarding of relying parties (`docs/cycles/registration.md`), access tokens for everybody, requests, proofs and
//! attestations (`docs/cycles/verification.md`), discovery. Not in scope: identity records. Nothing here has a path, by
//! dependency, to code that opens one.
//!
//! Answers T1 and T2 (an attestation holds pass or fail and a pairwise pseudonym), T10 (a quota before any
//! cryptography), T14 (a proof is consumed durably before its answer is given) and T16 (an unknown holder costs the same
//! work as a known one, and is answered in the same form).

mod activity;
mod announce;
mod asked;
mod asking;
mod attestation;
mod authorization_server;
mod certificate;
mod check;
mod code;
mod discovery;
mod export;
mod factor;
mod happenings;
mod holder;
mod introspection;
mod key_change;
mod leaf;
mod misses;
mod onboarding;
mod opener;
mod party;
mod proof;
mod recent;
mod refusal;
mod registration;
mod renewal;
mod request;
mod retention;
mod routes;
mod signing_keys;
mod token;
mod waiting;
mod ward;

use std::sync::Arc;

use cyberid_crypto::key::{self, SigningKey};
use cyberid_crypto::{KeyFailure, PublicKey, Sign, Suite, jws};
use cyberid_domain::{Clock, Rng, UnixTime};
use cyberid_keystore::role::{
    Attestation, Evidence, Journal as JournalRole, Message, Pairwise, Registration, Request,
};
use cyberid_keystore::{MacHandle, Opener, Signer};
use cyberid_pin::{PinAttempts, PinHasher};
use cyberid_protocol::passkey::Site;
use cyberid_storage::StorageError;
use cyberid_storage::guardianship::Guardianships;
use cyberid_storage::held::Held;
use cyberid_storage::journal::Journal;
use cyberid_storage::passkey::Passkeys;
use cyberid_storage::promise::Promises;
use cyberid_storage::relying_party::RelyingParties;
use cyberid_storage::single_use::SingleUses;
use cyberid_storage::subject::Subjects;
use cyberid_storage::verification::Verifications;
use cyberid_web::AccessTokens;
use cyberid_web::quota::{Buckets, Quota};
use tokio::sync::Notify;

use crate::code::Codes;
use crate::misses::Misses;
use crate::party::ActiveParty;
use crate::recent::Recent;
use crate::waiting::Waiting;

pub use crate::announce::{Announce, Silent};
pub use crate::discovery::Description;
pub use crate::retention::VisitsKept;
pub use crate::routes::routes;
pub use crate::signing_keys::SigningKeys;
pub use crate::token::StaticClient;

/// What the service is put together from.
pub struct Parts {
    /// The platform's issuer: an `https` address without a path.
    pub issuer: String,
    /// The present moment.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub rng: Arc<dyn Rng>,
    /// Holders' handles, statuses and devices.
    pub subjects: Arc<dyn Subjects>,
    /// Who is whose guardian.
    pub guardianships: Arc<dyn Guardianships>,
    /// Registrations.
    pub relying_parties: Arc<dyn RelyingParties>,
    /// Verifications that were asked for.
    pub verifications: Arc<dyn Verifications>,
    /// Assertions and key changes that were used.
    pub single_uses: Arc<dyn SingleUses>,
    /// Everything that the registry holds about one person.
    pub held: Arc<dyn Held>,
    /// Leaves that the log owes.
    pub promises: Arc<dyn Promises>,
    /// The journal of visits.
    pub journal: Arc<dyn Journal>,
    /// For how long it is kept.
    pub visits_kept: VisitsKept,
    /// Signs attestations.
    pub attestation: Signer<Attestation>,
    /// Signs the requests that holders are shown.
    pub request: Signer<Request>,
    /// Signs registration certificates.
    pub registration: Signer<Registration>,
    /// Opens what holders seal.
    pub message: Opener<Message>,
    /// Derives pseudonyms.
    pub pairwise: MacHandle<Pairwise>,
    /// The holders' passkeys.
    pub passkeys: Arc<dyn Passkeys>,
    /// What the identity source signs evidence with, pinned.
    pub source_key: PublicKey,
    /// Computes the tags of the source's handles of people.
    pub evidence_key: MacHandle<Evidence>,
    /// Derives the keys of the journal.
    pub journal_key: MacHandle<JournalRole>,
    /// The platform's public signing keys, those of other processes included.
    pub signing_keys: SigningKeys,
    /// Makes access tokens.
    pub access_tokens: Arc<AccessTokens>,
    /// Checks PINs.
    pub pins: PinHasher,
    /// Operators and regulators.
    pub clients: Vec<StaticClient>,
    /// What discovery says beyond what follows from the issuer.
    pub description: Description,
    /// Wakes whoever brings promised leaves to the log.
    pub promised: Arc<Notify>,
    /// Tells relying parties that a verification is over.
    pub announce: Arc<dyn Announce>,
    /// For how many seconds changed keys wait before they are in force: a day, and 0 in a sandbox only.
    pub key_cooling_off: u64,
}

/// The verification service.
pub struct Verification {
    parts: Parts,
    answers: Buckets,
    holders: Buckets,
    codes: Codes,
    waiting: Waiting,
    pin_attempts: PinAttempts,
    /// The platform as passkeys know it.
    site: Site,
    kept_parties: Recent<ActiveParty>,
    misses: Misses,
    /// Stands in for the key of a holder who is not there, so that there is a signature to check.
    decoy_key: PublicKey,
}

/// Why the service cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum NotReady {
    /// The store does not answer.
    #[error("the store does not answer")]
    Storage(#[from] StorageError),
    /// A signing key does not sign what its public half verifies.
    #[error("a signing key does not work")]
    Key(#[from] KeyFailure),
}

impl Verification {
    /// The service of these parts.
    pub fn new(parts: Parts) -> Arc<Self> {
        let own = parts.attestation.public_key();
        let scalar = key::random_scalar_of(own.suite(), |bytes| parts.rng.fill(bytes));
        let decoy = scalar.map(|scalar| SigningKey::of(own.suite(), &scalar));
        let decoy_key = match decoy {
            Ok(Ok(decoy)) => decoy.public_key(),
            _ => own,
        };
        Arc::new(Self {
            answers: Buckets::new(Quota::OF_ONE_REQUEST),
            holders: Buckets::new(Quota::OF_ONE_REQUEST),
            codes: Codes::default(),
            waiting: Waiting::default(),
            pin_attempts: PinAttempts::new(Arc::clone(&parts.subjects), parts.pins.clone()),
            site: Site::of(&parts.issuer),
            kept_parties: Recent::default(),
            misses: Misses::default(),
            decoy_key,
            parts,
        })
    }

    /// Makes sure that the keys sign what they are to sign, and sees to the leaves that an earlier process promised.
    pub async fn recover(&self) -> Result<(), NotReady> {
        let Parts {
            attestation,
            request,
            registration,
            ..
        } = &self.parts;
        for key in [attestation.current(), request.current(), registration.current()] {
            self_test(&*key)?;
        }
        if !self.parts.promises.outstanding(1).await?.is_empty() {
            self.parts.promised.notify_one();
        }
        Ok(())
    }

    /// Forgets what is over: verifications, single uses, old days of the journal, callers who have rested.
    pub async fn housekeep(&self) -> Result<(), StorageError> {
        let now = self.now();
        let answered_before = now.minus(cyberid_protocol::attestation::LIFE);
        self.parts
            .verifications
            .forget_verifications(answered_before)
            .await?;
        self.parts.single_uses.forget_single_uses(now).await?;
        self.settle_keys().await?;
        let oldest = self.parts.visits_kept.since(now);
        self.parts.journal.forget_visits(oldest).await?;
        self.parts.access_tokens.forget_rested();
        self.kept_parties.forget_stale();
        self.misses.forget_rested(now);
        self.answers.forget_rested(now);
        self.holders.forget_rested(now);
        self.codes.forget(now);
        Ok(())
    }

    fn now(&self) -> UnixTime {
        self.parts.clock.now()
    }

    /// The suite that the platform runs: that of its own keys.
    fn suite(&self) -> Suite {
        self.parts.attestation.public_key().suite()
    }
}

fn self_test(key: &dyn Sign) -> Result<(), KeyFailure> {
    const MESSAGE: &[u8] = b"cyberid/v1/self-test";
    let signature = key.sign(MESSAGE)?;
    jws::verify_signature(&key.public_key(), MESSAGE, &signature).map_err(|_| KeyFailure)
}
