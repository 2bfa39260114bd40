//! Releases of plaintext: from the request over the consent to the erasure.

use async_trait::async_trait;
use cyberid_domain::UnixTime;
use cyberid_domain::field::Field;
use cyberid_domain::id::{ClientId, ConsentId, LeafId, Nonce, ReleaseId, SubjectId};
use cyberid_domain::release::ReleaseStatus;

use crate::Result;
use crate::event::NewEvent;
use crate::promise::PromisedLeaf;
use crate::single_use::SingleUse;

/// A release's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// The id.
    pub id: ReleaseId,
    /// Who asks.
    pub client_id: ClientId,
    /// The pseudonym whose holder alone can answer.
    pub sub: String,
    /// The registered purpose.
    pub purpose: String,
    /// The fields that are asked.
    pub fields: Vec<Field>,
    /// The relying party's nonce.
    pub nonce: Nonce,
    /// When it was asked.
    pub created_at: UnixTime,
    /// Until when it can be answered; once granted, until when it can be redeemed.
    pub expires_at: UnixTime,
    /// Where it stands.
    pub status: ReleaseStatus,
    /// What the holder granted; nothing before that, and after the holder's erasure.
    pub grant: Option<Grant>,
    /// The leaves of its life so far, oldest first.
    pub leaves: Vec<ReleaseLeaf>,
}

/// What the holder granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The consent's id.
    pub consent_id: ConsentId,
    /// The compact consent.
    pub consent: String,
    /// The compact request object that the holder was shown.
    pub request_object: String,
    /// Who granted.
    pub subject: SubjectId,
    /// The thumbprint of the device key that signed.
    pub device_jkt: String,
    /// The salt of the leaves' commitment; erasing it makes the leaves meaningless.
    pub salt: [u8; 32],
    /// Until when it can be redeemed.
    pub redeem_by: UnixTime,
}

/// A leaf of a release's life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseLeaf {
    /// Its name.
    pub id: LeafId,
    /// Its bytes.
    pub body: String,
}

/// A step in the life of a release: from one status to the next, with its leaf and its event, or not at all.
#[derive(Debug, Clone)]
pub struct Step<'a> {
    /// The release.
    pub id: &'a ReleaseId,
    /// Where it has to stand.
    pub from: ReleaseStatus,
    /// Where it goes.
    pub to: ReleaseStatus,
    /// The leaf that records it.
    pub leaf: Option<&'a PromisedLeaf>,
    /// The event that the relying party is told.
    pub event: Option<&'a NewEvent>,
    /// What is used up by it: the signed message's name.
    pub uses: Option<&'a SingleUse>,
}

/// How a step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stepped {
    /// It is durable.
    Now,
    /// The release did not stand there: nothing was written.
    Elsewhere,
    /// The signed message was used before: nothing was written.
    Replayed,
}

/// An erasure that is owed after a withdrawal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwedErasure {
    /// The release.
    pub release: ReleaseId,
    /// Who owes it.
    pub client_id: ClientId,
    /// By when.
    pub erase_by: UnixTime,
}

/// Releases.
#[async_trait]
pub trait Releases: Send + Sync {
    /// Keeps a requested release.
    async fn request(&self, release: &Release) -> Result<()>;

    /// The release of this id.
    async fn release(&self, id: &ReleaseId) -> Result<Option<Release>>;

    /// Keeps the request object of a release in this language, and returns the one that is kept: the first one stays,
    /// also among concurrent callers.
    async fn keep_request_object(&self, id: &ReleaseId, locale: &str, compact: &str) -> Result<String>;

    /// The request objects of a release that were kept, in any order.
    async fn request_objects(&self, id: &ReleaseId) -> Result<Vec<String>>;

    /// The release that this consent granted.
    async fn by_consent(&self, id: &ConsentId) -> Result<Option<Release>>;

    /// The releases that a subject granted, oldest first.
    async fn of_subject(&self, subject: &SubjectId) -> Result<Vec<Release>>;

    /// `Requested` to `Granted`, with the grant, its leaf and the use of the consent, in one transaction;
    /// [`Stepped::Elsewhere`] for a subject whose identifier is cancelled.
    async fn grant(
        &self,
        id: &ReleaseId,
        grant: &Grant,
        leaf: &PromisedLeaf,
        uses: &SingleUse,
    ) -> Result<Stepped>;

    /// Any other step, in one transaction.
    async fn step(&self, step: &Step<'_>) -> Result<Stepped>;

    /// `Delivered` or `Presumed` to `Withdrawn` as [`Releases::step`], and an erasure owed by `erase_by`.
    async fn withdraw_delivered(&self, step: &Step<'_>, erase_by: UnixTime) -> Result<Stepped>;

    /// Records that the relying party confirmed erasure, with its leaf; `false` if none is owed.
    async fn confirm_erasure(&self, id: &ReleaseId, leaf: &PromisedLeaf) -> Result<bool>;

    /// The erasures owed before `now` that were neither confirmed nor recorded as overdue.
    async fn overdue_erasures(&self, now: UnixTime) -> Result<Vec<OwedErasure>>;

    /// Records that an erasure is overdue, with its leaf and the event that says so to whoever owes it; `false`, and
    /// nothing written, if it was confirmed or recorded before.
    async fn record_overdue(&self, id: &ReleaseId, leaf: &PromisedLeaf, event: &NewEvent) -> Result<bool>;

    /// The releases in this status, oldest first: `Intended` at start-up are those that a crash left.
    async fn in_status(&self, status: ReleaseStatus) -> Result<Vec<Release>>;
}
