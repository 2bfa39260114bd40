//! A certificate for another six months, or until the document's end.

use cyberid_crypto::digest;
use cyberid_domain::UnixTime;
use cyberid_domain::subject::SubjectStatus;
use cyberid_protocol::life::{FreshProof, Renewed};
use cyberid_storage::life::{LifeChange, Turn, Turned};
use cyberid_storage::subject::Subject;

use super::LifeError;
use crate::document::CheckedDocument;
use crate::{EnrolmentError, Issuance, certificate};

impl Issuance {
    /// Renews the certificate of the holder of the device key `jkt`. What is active is renewed by the device alone; what
    /// has expired, with the document and fresh evidence.
    pub(crate) async fn renew(&self, jkt: &str, proof: Option<&FreshProof>) -> Result<Renewed, LifeError> {
        let subject = self.parts.subjects.by_device(jkt).await?;
        let subject = subject.ok_or(LifeError::NotFound)?;
        // 1. What has ended is expired, also before the clock's work has said so.
        let ends_at = subject.document_expires_at.min(subject.credential_expires_at);
        match (subject.status, proof) {
            (SubjectStatus::Active | SubjectStatus::Expired, Some(proof)) => {
                self.require_same_person(&subject, proof).await?;
            }
            (SubjectStatus::Active, None) if ends_at > self.now() => {}
            (SubjectStatus::Active | SubjectStatus::Expired, None) => return Err(LifeError::EvidenceNeeded),
            (status, _) => return Err(LifeError::State(status)),
        }
        // 2.
        let now = self.now();
        let credential_expires_at = certificate::end(now, subject.document_expires_at);
        let change = LifeChange {
            subject: subject.subject,
            turn: Turn::Renew {
                document_expires_at: subject.document_expires_at,
                credential_expires_at,
            },
            at: now,
            leaf: None,
        };
        let Turned::Now(status) = self.parts.subjects.turn(&change).await? else {
            return Err(LifeError::State(subject.status));
        };
        // 3.
        self.renewed(subject, status, credential_expires_at)
    }

    /// A certificate of what the registry holds now.
    pub(super) fn renewed(
        &self,
        subject: Subject,
        status: SubjectStatus,
        credential_expires_at: UnixTime,
    ) -> Result<Renewed, LifeError> {
        let jkt = &subject.device.jkt;
        let issued = self.now().day_start();
        let credential = self.certify(jkt, &subject.number, issued, credential_expires_at)?;
        Ok(Renewed {
            network_number: subject.number,
            credential,
            credential_expires_at,
            status,
        })
    }

    /// The document is the one of the enrolment, and the source says that this is its person, now.
    async fn require_same_person(&self, subject: &Subject, proof: &FreshProof) -> Result<(), LifeError> {
        let refused = |error: EnrolmentError| match error {
            EnrolmentError::Refused => LifeError::Evidence,
            error => LifeError::Issuance(error),
        };
        let document = CheckedDocument::check(&proof.document, self.now()).map_err(refused)?;
        let confirmed = self
            .ask_source(&document, &proof.evidence)
            .await
            .map_err(refused)?;
        let known = self.parts.subjects.person_tag(&subject.subject).await?;
        let same = known.is_some_and(|known| digest::equal(&known, &confirmed.person_tag));
        // Another document goes into the record as the source's notice says, not on the holder's word.
        let fits = same && document.ends_at == subject.document_expires_at;
        fits.then_some(()).ok_or(LifeError::Evidence)
    }
}
