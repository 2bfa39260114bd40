//! Subjects: random handles with their status, age flags and device keys. No name, number of a document or birth date.

use async_trait::async_trait;
use cyberid_domain::UnixTime;
use cyberid_domain::age::{AgeFlags, Threshold};
use cyberid_domain::id::SubjectId;
use cyberid_domain::number::NetworkNumber;
use cyberid_domain::subject::SubjectStatus;

use crate::Result;
use crate::counter::{Keyed, NewCodes};
use crate::life::{LifeChange, Turned};

/// A subject that an enrolment commits.
#[derive(Debug, Clone)]
pub struct NewSubject {
    /// The handle.
    pub subject: SubjectId,
    /// The network number.
    pub number: NetworkNumber,
    /// The first device.
    pub device: SubjectDevice,
    /// The ages already reached.
    pub age_flags: AgeFlags,
    /// For each age not yet reached, the tag of the day it is reached.
    pub age_tags: Vec<(Threshold, [u8; 32])>,
    /// The PIN, hashed.
    pub pin: HashedPin,
    /// The identity source's handle of the person, under a key that is not in the store.
    pub person_tag: [u8; 32],
    /// The document's last valid moment.
    pub document_expires_at: UnixTime,
    /// When the certificate ends.
    pub credential_expires_at: UnixTime,
}

/// A device key of a subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectDevice {
    /// The key's thumbprint.
    pub jkt: String,
    /// The key: `04 || x || y`.
    pub key: [u8; 65],
    /// When it was bound.
    pub bound_at: UnixTime,
}

/// A PIN under Argon2id and a pepper that is not in the store.
#[derive(Clone, PartialEq, Eq)]
pub struct HashedPin {
    /// The salt.
    pub salt: [u8; 16],
    /// Argon2 memory in KiB.
    pub memory_kib: u32,
    /// Argon2 passes.
    pub passes: u32,
    /// HMAC, under the pepper, of the Argon2id output.
    pub tag: [u8; 32],
}

impl std::fmt::Debug for HashedPin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HashedPin(..)")
    }
}

/// Failed attempts at a PIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PinFailures {
    /// How many since the last success.
    pub count: u32,
    /// Before this moment every attempt fails.
    pub locked_until: Option<UnixTime>,
}

/// A subject as verification sees it.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The handle.
    pub subject: SubjectId,
    /// The network number.
    pub number: NetworkNumber,
    /// The status.
    pub status: SubjectStatus,
    /// The ages reached.
    pub age_flags: AgeFlags,
    /// The document's last valid moment.
    pub document_expires_at: UnixTime,
    /// When the certificate ends.
    pub credential_expires_at: UnixTime,
    /// The device that was asked for.
    pub device: SubjectDevice,
    /// The PIN, hashed.
    pub pin: HashedPin,
    /// Failed attempts at the PIN.
    pub pin_failures: PinFailures,
}

/// What a verification needs to know of the holder of a device: small enough to be kept in memory for everybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The handle.
    pub subject: SubjectId,
    /// The status.
    pub status: SubjectStatus,
    /// The ages reached.
    pub age_flags: AgeFlags,
    /// The document's last valid moment.
    pub document_expires_at: UnixTime,
    /// The device key: `04 || x || y`.
    pub key: [u8; 65],
    /// Whether the key acts once; one that has acted is nobody's here.
    pub single_use: bool,
}

/// How far an enrolment came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EnrolmentStage {
    /// Begun: the person may be reserved, nothing is committed.
    Begun,
    /// The subject is committed; the key holders have yet to confirm.
    Committed,
}

/// Subjects, for issuance and verification.
#[async_trait]
pub trait Subjects: Send + Sync {
    /// Begins an enrolment: after a crash it is found by [`Subjects::open_enrolments`].
    async fn begin_enrolment(&self, subject: &SubjectId, now: UnixTime) -> Result<()>;

    /// Commits the subject of a begun enrolment, whole. `false`, and nothing written, if the enrolment is not open, or number,
    /// device key or person is taken, or the person ended an identifier that has not cooled off.
    async fn commit_enrolment(&self, new: &NewSubject) -> Result<bool>;

    /// Ends an enrolment, once the key holders have confirmed or freed, and forgets the codes of a subject that was not
    /// committed. Again is fine.
    async fn end_enrolment(&self, subject: &SubjectId) -> Result<()>;

    /// Ends an enrolment that was committed and that the key holders have confirmed. From here on it is open to nobody who
    /// asks this process; that it has ended is made durable with a later write at the latest when the store is closed, so
    /// that a crash may find it open once more, and it is confirmed and ended again.
    async fn end_confirmed(&self, subject: &SubjectId) -> Result<()> {
        self.end_enrolment(subject).await
    }

    /// The enrolments that were begun before `before` and have not ended.
    async fn open_enrolments(&self, before: UnixTime) -> Result<Vec<(SubjectId, EnrolmentStage)>>;

    /// The subject of a device key; nobody's for a key that acts once, so that whoever does not ask for those refuses them.
    async fn by_device(&self, jkt: &str) -> Result<Option<Subject>>;

    /// The subject of any key that is bound to it, those that act once included.
    async fn by_key(&self, jkt: &str) -> Result<Option<Keyed>>;

    /// Keeps that keys act once, before they are bound. `false`, and nothing written, if one of them is or was somebody's,
    /// or the subject would have more than [`MOST_CODES`](crate::counter::MOST_CODES) that are unused.
    async fn keep_codes(&self, codes: &NewCodes) -> Result<bool>;

    /// Uses a key that acts once: `true` the first time, `false` ever after, also among concurrent callers. From then on
    /// it is nobody's; the key holders unbind it after [`UNBOUND_AFTER`](crate::counter::UNBOUND_AFTER) seconds, unless it was
    /// the subject's last key.
    async fn use_code(&self, jkt: &str, now: UnixTime) -> Result<bool>;

    /// The holder of a device key.
    async fn holder(&self, jkt: &str) -> Result<Option<Holder>>;

    /// All holders by their devices, in the order of the thumbprints, from the first after `after`: one page of at
    /// most `limit`.
    async fn holders_after(&self, after: &str, limit: u32) -> Result<Vec<(String, Holder)>>;

    /// The tag of the identity source's handle of a subject; `None` if there is no such subject, or it enrolled before
    /// such tags were kept.
    async fn person_tag(&self, subject: &SubjectId) -> Result<Option<[u8; 32]>>;

    /// All devices of a subject, oldest first; after them the codes that have acted, the latest first. The first of all is
    /// known to the key holders.
    async fn devices(&self, subject: &SubjectId) -> Result<Vec<SubjectDevice>>;

    /// Sets a subject's status; `false`, and nothing written, if there is no such subject or no arrow leads there. The
    /// same again is fine.
    async fn set_status(&self, subject: &SubjectId, status: SubjectStatus) -> Result<bool>;

    /// Turns a subject's life, in one transaction with what belongs to it.
    async fn turn(&self, change: &LifeChange) -> Result<Turned>;

    /// Counts an attempt at a PIN before it is checked, unless the subject is locked: `false` then. Attempts that
    /// run together are each counted.
    async fn begin_pin_attempt(&self, subject: &SubjectId, now: UnixTime) -> Result<bool>;

    /// Ends an attempt: success clears the count; failure locks until `locked_until`.
    async fn end_pin_attempt(
        &self,
        subject: &SubjectId,
        succeeded: bool,
        locked_until: Option<UnixTime>,
    ) -> Result<()>;

    /// The last day (start, UTC+8 midnight as seconds) whose age tags were matched.
    async fn last_age_day(&self) -> Result<Option<UnixTime>>;

    /// In one transaction: sets the flags of every subject that holds one of these tags, removes those tags, and
    /// records the day. Returns how many flags were set.
    async fn reach_ages(&self, tags: &[(Threshold, [u8; 32])], day: UnixTime) -> Result<u64>;
}
