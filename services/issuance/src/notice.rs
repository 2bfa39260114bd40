//! What the identity source tells of the people it has confirmed: the cycle of `docs/cycles/source-notice.md`, whose numbers
//! stand in the comments.
//!
//! Issuance asks; nothing listens. A notice is believed only under the source's pinned key, for this platform, in its order
//! and once; it names a person by the source's handle alone. Its effect is had before it is taken, and is the same the
//! second time, so that no crash loses or doubles one.

mod document;
mod replace;

use cyberid_client::ClientError;
use cyberid_crypto::{Agree as _, AgreementKey, KeyFailure};
use cyberid_domain::UnixTime;
use cyberid_domain::clock::SKEW;
use cyberid_domain::device::AlertKind;
use cyberid_domain::happening::Happening;
use cyberid_domain::id::SubjectId;
use cyberid_domain::subject::LifeReason;
use cyberid_protocol::face::person_tag;
use cyberid_protocol::leaf::LeafKind;
use cyberid_protocol::message;
use cyberid_protocol::notice::{MOST, NoticeQuery, NoticesAnswer, NoticesBody, SourceNotice};
use cyberid_storage::StorageError;
use cyberid_storage::device::Alert;
use cyberid_storage::life::{LifeChange, Turn, Turned};
use cyberid_storage::notice::TakenNotice;

use crate::source_circuit::Resting;
use crate::{EnrolmentError, Issuance, LifeError, SourceFailure};

/// For how many seconds after it happened a notice about nobody is kept back: the enrolment of the person may be under way.
const AWAITED: u64 = 120;

/// Why what the source tells has no effect yet. All of it is told again.
#[derive(Debug, thiserror::Error)]
pub enum NoticeError {
    /// The source gave no answer, or none that can be believed.
    #[error("the source's notices cannot be believed")]
    Source(#[from] SourceFailure),
    /// A notice is not for this platform.
    #[error("a notice for another platform")]
    OtherPlatform,
    /// A notice does not follow the one before it, or there are too many.
    #[error("notices that are not in order")]
    NotInOrder,
    /// A notice was taken before, in another place.
    #[error("a notice that was taken before")]
    Replayed,
    /// The new document's number is somebody else's.
    #[error("the number of the new document is another person's")]
    NumberTaken,
    /// A key holder did not do its part.
    #[error("a key holder did not do its part")]
    KeyHolder(#[source] ClientError),
    /// A key could not be used.
    #[error(transparent)]
    Key(#[from] KeyFailure),
    /// The registry failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A life could not be turned.
    #[error(transparent)]
    Life(#[from] LifeError),
}

impl From<Resting> for NoticeError {
    fn from(resting: Resting) -> Self {
        SourceFailure::from(resting).into()
    }
}

impl From<EnrolmentError> for NoticeError {
    fn from(error: EnrolmentError) -> Self {
        match error {
            EnrolmentError::KeyHolder(error) => Self::KeyHolder(error),
            error => Self::Life(error.into()),
        }
    }
}

/// What a notice did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    /// What it says is so now.
    Had,
    /// It was so before, perhaps by this very notice.
    Before,
    /// The identifier's state does not allow it.
    None,
    /// The person has no identifier.
    Nobody,
    /// It brings no document that can be used.
    Unusable,
    /// Its document's number is another person's.
    Conflict,
}

impl Effect {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Had => "had",
            Self::Before => "before",
            Self::None => "none",
            Self::Nobody => "nobody",
            Self::Unusable => "unusable",
            Self::Conflict => "conflict",
        }
    }
}

impl From<Turned> for Effect {
    fn from(turned: Turned) -> Self {
        match turned {
            Turned::Now(_) => Self::Had,
            Turned::Before => Self::Before,
            Turned::Refused => Self::None,
        }
    }
}

/// How it goes on after a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
    /// It was taken.
    Taken,
    /// It waits, and so do those behind it.
    Waiting,
}

impl Issuance {
    /// Takes what the source tells since the last time; how many notices were taken. Run by one task alone, again and again.
    pub async fn take_notices(&self) -> Result<usize, NoticeError> {
        let taken = self.take_notices_here().await;
        if let Err(error) = &taken {
            let outcome = if matches!(error, NoticeError::Source(SourceFailure::Resting { .. })) {
                "resting"
            } else {
                "failed"
            };
            metrics::counter!("source_notice_rounds_total", "outcome" => outcome).increment(1);
        }
        taken
    }

    async fn take_notices_here(&self) -> Result<usize, NoticeError> {
        // 8. What a crash left half done needs no source.
        self.finish_replacements().await?;
        // 2.
        let reply_to = AgreementKey::ephemeral_of(self.parts.source_encryption_key.suite())?;
        let after = self.parts.notices.last_notice().await?;
        let notices = self.told_after(after, &reply_to).await?;
        // 4.
        let mut taken = 0;
        for notice in &notices {
            if self.take(notice, &reply_to).await? == After::Waiting {
                break;
            }
            taken += 1;
        }
        Ok(taken)
    }

    /// The notices after this place that can be believed; not one of them if one of them cannot.
    async fn told_after(
        &self,
        after: u64,
        reply_to: &AgreementKey,
    ) -> Result<Vec<SourceNotice>, NoticeError> {
        let query = NoticeQuery {
            aud: self.parts.issuer.clone(),
            feed: self.source_feed(),
            after,
            reply_to: reply_to.public_key(),
        };
        let sealed = query.seal(&self.parts.source_encryption_key)?;
        let passage = self.source_notices.pass()?;
        let asked = self
            .parts
            .source
            .post("/v1/notices", &NoticesBody { sealed })
            .await;
        let answer: NoticesAnswer = asked.map_err(SourceFailure::from)?;
        // 3.
        let notices = self.believed(after, &answer.notices)?;
        passage.answered();
        Ok(notices)
    }

    fn believed(&self, after: u64, compact: &[String]) -> Result<Vec<SourceNotice>, NoticeError> {
        if compact.len() > MOST {
            return Err(NoticeError::NotInOrder);
        }
        let (mut last, mut notices) = (after, Vec::with_capacity(compact.len()));
        for compact in compact {
            let notice: SourceNotice = message::open(compact, &self.parts.source_signing_key)
                .map_err(|_| SourceFailure::NotSigned)?;
            self.require_now(notice.iat)?;
            if notice.aud != self.parts.issuer {
                return Err(NoticeError::OtherPlatform);
            }
            if notice.seq <= last {
                return Err(NoticeError::NotInOrder);
            }
            last = notice.seq;
            notices.push(notice);
        }
        Ok(notices)
    }

    async fn take(&self, notice: &SourceNotice, reply_to: &AgreementKey) -> Result<After, NoticeError> {
        if self.parts.notices.was_taken(&notice.jti).await? {
            return Err(NoticeError::Replayed);
        }
        let tag = person_tag(&self.parts.evidence_key, &notice.person).ok_or(SourceFailure::NoPerson)?;
        // 5.
        let effect = match self.parts.devices.subject_of_person(&tag).await? {
            Some(subject) if self.is_unsettled(&subject, notice).await? => return Ok(After::Waiting),
            Some(subject) => self.have_effect(&subject, notice, reply_to).await?,
            None if self.is_awaited(notice) => return Ok(After::Waiting),
            None => Effect::Nobody,
        };
        // 7.
        let taken = TakenNotice {
            seq: notice.seq,
            jti: notice.jti.clone(),
            happening: notice.happening,
            happened_at: notice.at,
            taken_at: self.now(),
        };
        if !self.parts.notices.take_notice(&taken).await? {
            return Err(NoticeError::Replayed);
        }
        let happening = notice.happening.as_str();
        metrics::counter!("source_notices_total", "happening" => happening, "effect" => effect.as_str())
            .increment(1);
        Ok(After::Taken)
    }

    async fn have_effect(
        &self,
        subject: &SubjectId,
        notice: &SourceNotice,
        reply_to: &AgreementKey,
    ) -> Result<Effect, NoticeError> {
        let event = notice.jti.as_str();
        let (alert, effect) = match notice.happening {
            Happening::Died => {
                let kind = (LeafKind::IdentityEnded, LifeReason::Death);
                let turned = self.turn_by_source(subject, Turn::Decease, kind, event).await?;
                (AlertKind::DeathReported, turned.into())
            }
            Happening::DocumentLost | Happening::DocumentWithdrawn => {
                let kind = (LeafKind::IdentitySuspended, LifeReason::Document);
                let turn = Turn::Suspend(LifeReason::Document);
                let turned = self.turn_by_source(subject, turn, kind, event).await?;
                (AlertKind::DocumentInvalid, turned.into())
            }
            Happening::DocumentRenewed | Happening::NameCorrected => {
                let effect = self.take_document(subject, notice, reply_to).await?;
                (AlertKind::RecordReplaced, effect)
            }
        };
        // Also what was so before: the process may have died before it told.
        if matches!(effect, Effect::Had | Effect::Before) {
            self.tell_of_source(subject, alert).await?;
        }
        Ok(effect)
    }

    /// Whether the enrolment of whom it is about may be under way. What happens in the future is waited for by nobody.
    fn is_awaited(&self, notice: &SourceNotice) -> bool {
        let now = self.now();
        notice.at <= now.plus(SKEW) && now < notice.at.plus(AWAITED)
    }

    /// Whether a document comes for a record that the key holders have not heard to be there for good: they would not take it.
    async fn is_unsettled(&self, subject: &SubjectId, notice: &SourceNotice) -> Result<bool, StorageError> {
        if !notice.happening.brings_document() {
            return Ok(false);
        }
        let open = self.parts.subjects.open_enrolments(UnixTime(u64::MAX)).await?;
        Ok(open.iter().any(|(enrolling, _)| enrolling == subject))
    }

    /// Turns a life on the source's word, which the ledger says.
    async fn turn_by_source(
        &self,
        subject: &SubjectId,
        turn: Turn,
        (kind, reason): (LeafKind, LifeReason),
        event: &str,
    ) -> Result<Turned, NoticeError> {
        let leaf = self.life_leaf(kind, subject, reason, event).await?;
        let change = LifeChange {
            subject: *subject,
            turn,
            at: self.now(),
            leaf: Some(leaf),
        };
        let turned = self.parts.subjects.turn(&change).await?;
        if let Turned::Now(_) = turned {
            self.parts.promised.notify_one();
        }
        Ok(turned)
    }

    async fn tell_of_source(&self, subject: &SubjectId, kind: AlertKind) -> Result<(), StorageError> {
        let alert = Alert {
            time: self.now(),
            kind,
            device: None,
        };
        self.parts.devices.tell(subject, &alert).await
    }
}
