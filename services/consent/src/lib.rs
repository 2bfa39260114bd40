//! Release of plaintext, from the request over the consent to the erasure; withdrawal; receipts; and the ledger under
//! `/ledger/`.
//!
//! The order of things is the mechanism: no plaintext leaves before outsiders have seen the leaf that says so. The
//! numbers in comments are those of `docs/cycles/release.md` and `docs/cycles/withdrawal.md`.

mod answer;
mod ask;
mod cancellation;
mod consent_check;
mod erasure;
mod error;
mod guardian;
mod housekeeping;
mod kept_answer;
mod leaf;
mod ledger;
mod message;
mod official;
mod opening;
mod party;
mod platform_leaf;
mod reading;
mod receipt;
mod redeem;
mod remembered;
mod request_object;
mod routes;
mod told;
mod turn;
mod view;
mod withdrawal;

#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::sync::Arc;

use cyberid_client::Client;
use cyberid_domain::id::{OfficialAccessId, ReleaseId};
use cyberid_domain::{Clock, Rng};
use cyberid_keystore::{MacHandle, Opener, Signer, role};
use cyberid_ledger::Ledger;
use cyberid_protocol::official::Authorities;
use cyberid_storage::cancellation::Cancellations;
use cyberid_storage::device::Devices;
use cyberid_storage::event::Events;
use cyberid_storage::guardianship::Guardianships;
use cyberid_storage::idempotency::KeptAnswers;
use cyberid_storage::official::{NumberSalts, OfficialAccesses};
use cyberid_storage::promise::{Pledges, Promises};
use cyberid_storage::release::Releases;
use cyberid_storage::relying_party::RelyingParties;
use cyberid_storage::subject::Subjects;
use cyberid_web::quota::{Buckets, Quota};
use tokio::sync::{Mutex, Notify};

pub use error::{ConsentError, Refusal};
pub use platform_leaf::PlatformKey;
pub use routes::{request_routes, routes};
pub use view::{ConsentEvent, MyConsent, MyConsents};

use reading::Reading;
use turn::Turns;

/// What the service is made of.
pub struct Parts {
    /// The platform's issuer, without a slash at its end.
    pub issuer: String,
    /// The present moment.
    pub clock: Arc<dyn Clock>,
    /// Chance, for ids and salts.
    pub rng: Arc<dyn Rng>,
    /// Releases.
    pub releases: Arc<dyn Releases>,
    /// Relying parties.
    pub relying_parties: Arc<dyn RelyingParties>,
    /// Subjects and their device keys.
    pub subjects: Arc<dyn Subjects>,
    /// Who is whose guardian.
    pub guardianships: Arc<dyn Guardianships>,
    /// Since when devices may release.
    pub devices: Arc<dyn Devices>,
    /// Promised leaves, of this service and of others.
    pub promises: Arc<dyn Promises>,
    /// Promises of leaves of the platform's own life.
    pub pledges: Arc<dyn Pledges>,
    /// The authorities whose officers may order an official access.
    pub authorities: Authorities,
    /// Official accesses.
    pub officials: Arc<dyn OfficialAccesses>,
    /// What opens the key holders' commitments to network numbers.
    pub number_salts: Arc<dyn NumberSalts>,
    /// Identifiers that end.
    pub cancellations: Arc<dyn Cancellations>,
    /// What relying parties are told.
    pub events: Arc<dyn Events>,
    /// Answers that are given again.
    pub kept_answers: Arc<dyn KeptAnswers>,
    /// The log.
    pub ledger: Arc<Ledger>,
    /// Signs request objects.
    pub request_key: Signer<role::Request>,
    /// Signs security event tokens.
    pub event_key: Signer<role::Event>,
    /// Opens what holders seal.
    pub message_key: Opener<role::Message>,
    /// Derives pseudonyms.
    pub pairwise_key: MacHandle<role::Pairwise>,
    /// Derives the keys of kept answers.
    pub idempotency_key: MacHandle<role::Idempotency>,
    /// The vault.
    pub vault: Client,
    /// The custodian, or all three.
    pub custodians: Vec<Client>,
    /// Woken whenever a leaf was promised.
    pub promised: Arc<Notify>,
    /// Within how many seconds a relying party confirms erasure.
    pub erase_within: u64,
    /// For how many seconds nobody is enrolled anew who ended an identifier; the same as of the blind index.
    pub index_cooling_off: u64,
}

/// The consent service. One process runs it: it is the ledger's one sequencer.
pub struct Consent {
    parts: Parts,
    turns: Turns<ReleaseId>,
    official_turns: Turns<OfficialAccessId>,
    answers: Buckets,
    reading: Reading,
    /// A warrant proves consistency from what a key holder saw last; two at once would overtake each other.
    opening: Mutex<()>,
    /// The holder's call and housekeeping would do the same work twice.
    cancelling: Mutex<()>,
    /// The keys whose leaves this process has seen promised.
    recorded_keys: Mutex<HashSet<PlatformKey>>,
}

impl Consent {
    /// The service made of these parts.
    pub fn new(parts: Parts) -> Arc<Self> {
        Arc::new(Self {
            turns: Turns::default(),
            official_turns: Turns::default(),
            answers: Buckets::new(Quota::OF_ONE_REQUEST),
            reading: Reading::default(),
            opening: Mutex::new(()),
            cancelling: Mutex::new(()),
            recorded_keys: Mutex::default(),
            parts,
        })
    }
}
