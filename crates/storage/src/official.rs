//! Official accesses: an authority's orders, who signed them, and what became of them.

use async_trait::async_trait;
use cyberid_domain::UnixTime;
use cyberid_domain::id::{ClientId, OfficialAccessId, SubjectId};
use cyberid_domain::number::NetworkNumber;
use cyberid_domain::official::{OfficialRefusal, OfficialStatus};

use crate::Result;
use crate::promise::PromisedLeaf;
use crate::release::{ReleaseLeaf, Stepped};
use crate::single_use::SingleUse;

/// An official access's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfficialAccess {
    /// The id.
    pub id: OfficialAccessId,
    /// Who ordered it.
    pub authority: ClientId,
    /// The compact order.
    pub order: String,
    /// The compact signature of the second officer, once there is one.
    pub countersignature: Option<String>,
    /// The salt of the leaves' commitment.
    pub salt: [u8; 32],
    /// When it was ordered.
    pub created_at: UnixTime,
    /// Until when it can be countersigned and carried out.
    pub expires_at: UnixTime,
    /// Before when the person is not told.
    pub notice_after: UnixTime,
    /// Where it stands.
    pub status: OfficialStatus,
    /// Whose record is opened: known once it is intended.
    pub subject: Option<SubjectId>,
    /// Why it was refused, once it was.
    pub refusal: Option<OfficialRefusal>,
    /// The leaves of its life so far, oldest first.
    pub leaves: Vec<ReleaseLeaf>,
}

/// A step in the life of an official access, with all that belongs to it, or not at all.
#[derive(Debug, Clone)]
pub struct OfficialStep<'a> {
    /// The official access.
    pub id: &'a OfficialAccessId,
    /// Where it has to stand.
    pub from: OfficialStatus,
    /// Where it goes, and what becomes known of it by that.
    pub to: Turn<'a>,
    /// The leaf that records it.
    pub leaf: Option<&'a PromisedLeaf>,
    /// What is used up by it: the signed message's name.
    pub uses: Option<&'a SingleUse>,
}

/// Where a step leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn<'a> {
    /// A second officer signed so.
    Countersigned(&'a str),
    /// The record of this subject is about to be opened.
    Intended(&'a SubjectId),
    /// Plaintext left.
    Delivered,
    /// Plaintext may have left.
    Presumed,
    /// It is over.
    Refused(OfficialRefusal),
}

impl Turn<'_> {
    /// Where it stands afterwards.
    pub const fn status(&self) -> OfficialStatus {
        match self {
            Self::Countersigned(_) => OfficialStatus::Countersigned,
            Self::Intended(_) => OfficialStatus::Intended,
            Self::Delivered => OfficialStatus::Delivered,
            Self::Presumed => OfficialStatus::Presumed,
            Self::Refused(_) => OfficialStatus::Refused,
        }
    }
}

/// Official accesses.
///
/// Whoever edits the data can hide an access from the person, and cannot make one: key holders check both signatures
/// themselves, and the leaf is in the log.
#[async_trait]
pub trait OfficialAccesses: Send + Sync {
    /// Keeps an order with its leaf and the use of its name, in one transaction. [`Stepped::Replayed`] if the name was
    /// used before; the row's leaves are not read.
    async fn order(&self, access: &OfficialAccess, leaf: &PromisedLeaf, uses: &SingleUse) -> Result<Stepped>;

    /// The official access of this id.
    async fn official(&self, id: &OfficialAccessId) -> Result<Option<OfficialAccess>>;

    /// Takes a step, in one transaction.
    async fn official_step(&self, step: &OfficialStep<'_>) -> Result<Stepped>;

    /// The official accesses whose record is this subject's, oldest first.
    async fn officials_of(&self, subject: &SubjectId) -> Result<Vec<OfficialAccess>>;

    /// The official accesses in this status, oldest first.
    async fn officials_in(&self, status: OfficialStatus) -> Result<Vec<OfficialAccess>>;

    /// The subject of a network number that is not cancelled.
    async fn subject_of(&self, number: &NetworkNumber) -> Result<Option<SubjectId>>;
}

/// An enrolment that begins, with the number that its subject will have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BeginningEnrolment {
    /// The subject that the person would become.
    pub subject: SubjectId,
    /// Its network number.
    pub number: NetworkNumber,
    /// What opens the commitment to the number.
    pub salt: [u8; 32],
    /// When it begins.
    pub now: UnixTime,
}

/// The salts that open what key holders were told of network numbers. They stay in the registry; without one, a key
/// holder's commitment says nothing.
#[async_trait]
pub trait NumberSalts: Send + Sync {
    /// Keeps the salt of a begun enrolment that will have this number; `false`, and nothing kept, if the number is taken.
    /// A later salt replaces an earlier one. It goes with an enrolment that is freed.
    async fn keep_number_salt(
        &self,
        subject: &SubjectId,
        number: &NetworkNumber,
        salt: &[u8; 32],
    ) -> Result<bool>;

    /// Begins an enrolment that will have this number, and keeps its salt, in one transaction; `false`, and nothing kept, if
    /// the number is taken. After a crash the enrolment is found by
    /// [`Subjects::open_enrolments`](crate::subject::Subjects::open_enrolments).
    async fn begin_numbered(&self, begun: &BeginningEnrolment) -> Result<bool>;

    /// The salt of a subject.
    async fn number_salt(&self, subject: &SubjectId) -> Result<Option<[u8; 32]>>;
}
