//! A certificate for another six months, or until the document's end.

use std::net::IpAddr;
use std::sync::Arc;

use cyberid_crypto::digest;
use cyberid_domain::UnixTime;
use cyberid_domain::subject::SubjectStatus;
use cyberid_protocol::life::{FreshProof, Renewed};
use cyberid_storage::life::{LifeChange, Turn, Turned};
use cyberid_storage::subject::Subject;
use cyberid_web::scrub::Scrubbed;

use super::LifeError;
use crate::{EnrolmentError, Issuance, certificate};

impl Issuance {
    /// Renews the certificate of the holder of the device key `jkt`. What is active is renewed by the device alone; what
    /// has expired, with the document and fresh evidence.
    pub(crate) async fn renew(
        self: &Arc<Self>,
        jkt: String,
        from: Option<IpAddr>,
        proof: Option<FreshProof>,
    ) -> Result<Renewed, LifeError> {
        if proof.is_none() {
            return self.renew_here(&jkt, None).await;
        }
        let issuance = Arc::clone(self);
        let renewing = async move { issuance.renew_here(&jkt, proof.as_ref()).await };
        self.metered(from, renewing, |error| matches!(error, LifeError::Evidence))
            .await
    }

    /// Metered as an enrolment is, because it takes document and evidence. It runs to its end even when the caller goes away:
    /// whoever hangs up while the source is asked would have it counted as a failure of the source.
    pub(crate) async fn metered<T, E>(
        &self,
        from: Option<IpAddr>,
        proving: impl Future<Output = Result<T, E>> + Send + 'static,
        is_refusal: impl Fn(&E) -> bool,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<LifeError> + Send + 'static,
    {
        let guess = self.meter.begin(from, self.now());
        let guess = guess.map_err(|over| LifeError::from(EnrolmentError::from(over)))?;
        let proved = tokio::spawn(Scrubbed::new(proving)).await;
        let proved = proved.map_err(|_| LifeError::from(EnrolmentError::Stopped))?;
        guess.end(proved.as_ref().is_err_and(is_refusal));
        proved
    }

    async fn renew_here(&self, jkt: &str, proof: Option<&FreshProof>) -> Result<Renewed, LifeError> {
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
        let document = self.stated(&proof.document, &subject.device.jkt).await;
        let document = document.map_err(refused)?;
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
