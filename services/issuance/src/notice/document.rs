//! New documents: those that the source's notices bring, and those that a holder proves.

use std::net::IpAddr;
use std::sync::Arc;

use cyberid_crypto::{AgreementKey, digest};
use cyberid_domain::device::AlertKind;
use cyberid_domain::happening::Happening;
use cyberid_domain::id::{Nonce, SubjectId};
use cyberid_domain::subject::{LifeReason, SubjectStatus};
use cyberid_protocol::enrolment::Document;
use cyberid_protocol::leaf::LeafKind;
use cyberid_protocol::life::{FreshProof, LifeAnswer};
use cyberid_protocol::notice::{NoticedDocument, SourceNotice};
use cyberid_storage::life::{LifeChange, Turn, Turned};

use super::{Effect, NoticeError};
use crate::document::CheckedDocument;
use crate::{EnrolmentError, Issuance, LifeError, calendar, certificate};

impl Issuance {
    /// Has the document of a notice take the place of the old one.
    pub(super) async fn take_document(
        &self,
        subject: &SubjectId,
        notice: &SourceNotice,
        reply_to: &AgreementKey,
    ) -> Result<Effect, NoticeError> {
        let Some((document, birth_date)) = self.brought(notice, reply_to) else {
            tracing::error!(
                seq = notice.seq,
                "a notice brings no document that can be used; it has no effect"
            );
            return Ok(Effect::Unusable);
        };
        // 6.
        match self.replace_record(subject, &document, birth_date).await {
            Ok(()) => {}
            Err(NoticeError::NumberTaken) => {
                tracing::error!(
                    seq = notice.seq,
                    "the number of a new document is another person's"
                );
                return Ok(Effect::Conflict);
            }
            Err(error) => return Err(error),
        }
        if notice.happening == Happening::DocumentRenewed {
            // The certificate stays as it is: that the holder is there, they show themselves.
            let expires_at = document.ends_at;
            self.turn_for_document(subject, Turn::Document { expires_at })
                .await?;
        }
        Ok(Effect::Had)
    }

    /// The document of a notice and the date of birth on it, if they can be used.
    fn brought(
        &self,
        notice: &SourceNotice,
        reply_to: &AgreementKey,
    ) -> Option<(CheckedDocument, time::Date)> {
        let brought = NoticedDocument::open(notice, reply_to)?;
        let birth_date = calendar::read(brought.birth_date.expose())?;
        let document = Document {
            kind: brought.kind,
            name: brought.name,
            number: brought.number,
            valid_until: brought.valid_until,
        };
        let document = CheckedDocument::check(&document, self.now()).ok()?;
        Some((document, birth_date))
    }

    async fn turn_for_document(&self, subject: &SubjectId, turn: Turn) -> Result<Turned, NoticeError> {
        let change = LifeChange {
            subject: *subject,
            turn,
            at: self.now(),
            leaf: None,
        };
        Ok(self.parts.subjects.turn(&change).await?)
    }

    /// Lets the holder of the device key `jkt` prove a valid document with fresh evidence: it takes the place of the old
    /// one, and what was halted because of that one is halted for it no more.
    pub(crate) async fn prove_document(
        self: &Arc<Self>,
        jkt: String,
        from: Option<IpAddr>,
        proof: FreshProof,
    ) -> Result<LifeAnswer, NoticeError> {
        let issuance = Arc::clone(self);
        let proving = async move { issuance.prove_document_here(&jkt, &proof).await };
        let is_refusal = |error: &NoticeError| matches!(error, NoticeError::Life(LifeError::Evidence));
        self.metered(from, proving, is_refusal).await
    }

    async fn prove_document_here(&self, jkt: &str, proof: &FreshProof) -> Result<LifeAnswer, NoticeError> {
        let subject = self.parts.subjects.by_device(jkt).await?;
        let subject = subject.ok_or(LifeError::NotFound)?;
        match subject.status {
            SubjectStatus::Active | SubjectStatus::Suspended | SubjectStatus::Expired => {}
            status => return Err(LifeError::State(status).into()),
        }
        let (document, birth_date) = self.same_person(&subject.subject, jkt, proof).await?;
        self.replace_record(&subject.subject, &document, birth_date)
            .await?;
        // Its end is the identifier's; the certificate's is counted from now.
        let renewed = Turn::Renew {
            document_expires_at: document.ends_at,
            credential_expires_at: certificate::end(self.now(), document.ends_at),
        };
        self.turn_for_document(&subject.subject, renewed).await?;
        let kind = (LeafKind::IdentityReinstated, LifeReason::Document);
        let turn = Turn::Reinstate(LifeReason::Document);
        let event = Nonce::random(&*self.parts.rng);
        self.turn_by_source(&subject.subject, turn, kind, event.as_str())
            .await?;
        self.tell_of_source(&subject.subject, AlertKind::RecordReplaced)
            .await?;
        self.standing(jkt).await
    }

    /// A document that the source confirms, of the person whose identifier this is.
    async fn same_person(
        &self,
        subject: &SubjectId,
        jkt: &str,
        proof: &FreshProof,
    ) -> Result<(CheckedDocument, time::Date), NoticeError> {
        let refused = |error: EnrolmentError| match error {
            EnrolmentError::Refused => LifeError::Evidence,
            error => LifeError::Issuance(error),
        };
        let document = self.stated(&proof.document, jkt).await.map_err(refused)?;
        let confirmed = self
            .ask_source(&document, &proof.evidence)
            .await
            .map_err(refused)?;
        let known = self.parts.subjects.person_tag(subject).await?;
        if !known.is_some_and(|known| digest::equal(&known, &confirmed.person_tag)) {
            return Err(LifeError::Evidence.into());
        }
        Ok((document, confirmed.birth_date))
    }

    /// How the holder's identifier stands.
    async fn standing(&self, jkt: &str) -> Result<LifeAnswer, NoticeError> {
        let subject = self.parts.subjects.by_device(jkt).await?;
        let subject = subject.ok_or(LifeError::NotFound)?;
        let reasons = self.parts.lives.suspensions(&subject.subject).await?;
        Ok(LifeAnswer {
            status: subject.status,
            suspended_for: reasons.into_iter().map(|it| it.reason).collect(),
        })
    }
}
