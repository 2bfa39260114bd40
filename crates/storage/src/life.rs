//! The life of an identifier in the registry: its turns, why it is suspended, and the leaves that say what others did.

use async_trait::async_trait;
use cyberid_domain::UnixTime;
use cyberid_domain::id::{ClientId, IdentityActId, SubjectId};
use cyberid_domain::number::NetworkNumber;
use cyberid_domain::subject::{LifeReason, SubjectStatus};

use crate::Result;
use crate::promise::PromisedLeaf;

/// A turn in the life of a subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It is halted for a reason, beside others that there may be.
    Suspend(LifeReason),
    /// A reason to halt it falls away; it comes back when that was the last one. With [`LifeReason::Death`]: the death was
    /// reported in error, and it stays halted for [`LifeReason::Operator`].
    Reinstate(LifeReason),
    /// Its document or its certificate has ended.
    Expire,
    /// Its certificate, and its document if that was renewed too, end then.
    Renew {
        /// The document's last valid moment.
        document_expires_at: UnixTime,
        /// When the certificate ends.
        credential_expires_at: UnixTime,
    },
    /// Its document was renewed, as others say: it ends then, and its certificate not later than before. It does not come back
    /// by that: nobody has shown that its holder is there.
    Document {
        /// The document's last valid moment.
        expires_at: UnixTime,
    },
    /// Its holder died.
    Decease,
}

/// A turn with what belongs to it.
#[derive(Debug, Clone)]
pub struct LifeChange {
    /// Whose life.
    pub subject: SubjectId,
    /// What happens.
    pub turn: Turn,
    /// When.
    pub at: UnixTime,
    /// The leaf that says so, where somebody else than the holder alone does it.
    pub leaf: Option<LifeLeaf>,
}

/// A leaf that says what others did to an identity, with what opens its commitment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LifeLeaf {
    /// The leaf.
    pub leaf: PromisedLeaf,
    /// The salt of its commitment.
    pub salt: [u8; 32],
    /// The thumbprint that the commitment is to.
    pub device_jkt: String,
}

/// How a turn went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turned {
    /// It happened; this is the status afterwards.
    Now(SubjectStatus),
    /// It was so already, there was nothing to do, or its leaf says that it happened before: nothing was written.
    Before,
    /// There is no such subject, or no arrow leads there: nothing was written.
    Refused,
}

/// A reason for which a subject is suspended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Suspension {
    /// The reason.
    pub reason: LifeReason,
    /// Since when.
    pub since: UnixTime,
}

/// What is known of lives. They are turned by [`Subjects::turn`](crate::subject::Subjects::turn).
#[async_trait]
pub trait Lives: Send + Sync {
    /// The active subjects whose document or certificate has ended at `now`: at most `limit`.
    async fn ended(&self, now: UnixTime, limit: u32) -> Result<Vec<SubjectId>>;

    /// Whose network number this is; nobody's if it was cancelled.
    async fn whose_number(&self, number: &NetworkNumber) -> Result<Option<SubjectId>>;

    /// Why a subject is suspended, oldest reason first; nothing if it is not.
    async fn suspensions(&self, subject: &SubjectId) -> Result<Vec<Suspension>>;

    /// The leaves that say what others did to this subject, oldest first.
    async fn life_leaves(&self, subject: &SubjectId) -> Result<Vec<LifeLeaf>>;
}

/// What operators do to identifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperatorAct {
    /// Halts them.
    Suspend,
    /// Takes the reason to halt them away.
    Reinstate,
}

/// An act of operators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityAct {
    /// Its name.
    pub id: IdentityActId,
    /// What.
    pub act: OperatorAct,
    /// Why.
    pub reason: LifeReason,
    /// The case it belongs to.
    pub reference: String,
    /// Whose identifiers.
    pub subjects: Vec<SubjectId>,
    /// Who asked for it.
    pub applied_by: ClientId,
    /// When.
    pub applied_at: UnixTime,
    /// Who else approved it; nothing while it waits for one, or if it needs none.
    pub approved_by: Option<ClientId>,
    /// Whether it may be carried out.
    pub in_force: bool,
    /// When it was carried out.
    pub done_at: Option<UnixTime>,
}

/// Acts of operators.
#[async_trait]
pub trait IdentityActs: Send + Sync {
    /// Keeps an act.
    async fn apply_act(&self, act: &IdentityAct) -> Result<()>;

    /// An act.
    async fn act(&self, id: &IdentityActId) -> Result<Option<IdentityAct>>;

    /// Puts a waiting act into force on the word of a second operator. `false` if it does not wait, or for the operator who
    /// asked for it.
    async fn approve_act(&self, id: &IdentityActId, operator: &ClientId) -> Result<bool>;

    /// How many acts this operator put into force alone at `since` or later.
    async fn acts_alone(&self, operator: &ClientId, since: UnixTime) -> Result<u32>;

    /// The acts in force that are not carried out, oldest first.
    async fn acts_to_do(&self) -> Result<Vec<IdentityAct>>;

    /// Records that an act was carried out. Again is fine.
    async fn act_done(&self, id: &IdentityActId, at: UnixTime) -> Result<()>;
}

/// A fresh network number that waits for its holder, or for the key holders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renumbering {
    /// Whose.
    pub subject: SubjectId,
    /// The number that was drawn.
    pub number: NetworkNumber,
    /// What opens the commitment to it.
    pub salt: [u8; 32],
    /// When it was drawn.
    pub drawn_at: UnixTime,
    /// What the holder signed, compact; nothing before they did.
    pub message: Option<String>,
}

/// Fresh network numbers. A number that was given up is nobody's again.
#[async_trait]
pub trait Renumberings: Send + Sync {
    /// Keeps a drawn number, in the place of an earlier one that the holder did not sign for. `false`, and nothing written,
    /// if the number is or ever was somebody's, or the holder has signed for another one.
    async fn draw_number(&self, renumbering: &Renumbering) -> Result<bool>;

    /// The drawn number of a subject.
    async fn renumbering(&self, subject: &SubjectId) -> Result<Option<Renumbering>>;

    /// Keeps what the holder signed for the drawn number, in the place of what they signed before: the device of that may be
    /// revoked by now. `false` if there is no drawn number.
    async fn sign_renumbering(&self, subject: &SubjectId, message: &str) -> Result<bool>;

    /// Those that are signed for and not done, oldest first.
    async fn signed_renumberings(&self) -> Result<Vec<Renumbering>>;

    /// In one transaction: the drawn number takes the place of the old one, with its salt. `false` if none is signed for.
    async fn renumber(&self, subject: &SubjectId, at: UnixTime) -> Result<bool>;

    /// When a subject last got a fresh number; nothing if never.
    async fn renumbered_at(&self, subject: &SubjectId) -> Result<Option<UnixTime>>;
}
