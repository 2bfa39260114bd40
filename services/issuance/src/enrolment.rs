//! The enrolment cycle: the numbers in the comments are those of `docs/cycles/enrolment.md`.

use std::net::IpAddr;
use std::sync::Arc;

use cyberid_crypto::PublicKey;
use cyberid_domain::age::AgeFlags;
use cyberid_domain::device::AlertKind;
use cyberid_domain::id::SubjectId;
use cyberid_domain::number::NetworkNumber;
use cyberid_domain::pin::Pin;
use cyberid_domain::rng::random;
use cyberid_domain::subject::SubjectStatus;
use cyberid_protocol::deposit::{Outcome, RESERVATION_INFO};
use cyberid_protocol::enrolment::{Enrolled, EnrolmentBody, number_commitment};
use cyberid_storage::StorageError;
use cyberid_storage::official::BeginningEnrolment;
use cyberid_storage::subject::{EnrolmentStage, HashedPin, NewSubject, SubjectDevice};
use cyberid_web::scrub::Scrubbed;
use time::Date;

use crate::counter::Counter;
use crate::document::CheckedDocument;
use crate::error::Leftover;
use crate::guardian::{AgreedGuardian, may_have_guardian};
use crate::key_holders::Binds;
use crate::{EnrolmentError, Issuance, certificate};

/// How many network numbers are tried: one in 2^45 is taken by each person.
const NUMBERS_TRIED: usize = 3;

/// A person whom the source has confirmed.
struct Candidate {
    device: PublicKey,
    document: CheckedDocument,
    birth_date: Date,
    person_tag: [u8; 32],
    pin: HashedPin,
    guardian: Option<AgreedGuardian>,
}

impl Issuance {
    /// Enrols a person who calls from this address; refusals are metered.
    pub(crate) async fn enrol_from(
        self: &Arc<Self>,
        from: Option<IpAddr>,
        body: EnrolmentBody,
        counter: Option<Counter>,
    ) -> Result<Enrolled, EnrolmentError> {
        let guess = self.meter.begin(from, self.now())?;
        let enrolled = self.enrol_at(body, counter).await;
        guess.end(matches!(enrolled, Err(EnrolmentError::Refused)));
        enrolled
    }

    /// Enrols a person. It runs to its end even when the caller goes away.
    pub async fn enrol(self: &Arc<Self>, body: EnrolmentBody) -> Result<Enrolled, EnrolmentError> {
        self.enrol_at(body, None).await
    }

    async fn enrol_at(
        self: &Arc<Self>,
        body: EnrolmentBody,
        counter: Option<Counter>,
    ) -> Result<Enrolled, EnrolmentError> {
        let issuance = Arc::clone(self);
        tokio::spawn(Scrubbed::new(
            async move { issuance.enrol_here(body, counter).await },
        ))
        .await
        .map_err(|_| EnrolmentError::Stopped)?
    }

    async fn enrol_here(
        &self,
        body: EnrolmentBody,
        counter: Option<Counter>,
    ) -> Result<Enrolled, EnrolmentError> {
        let _under_way = self.settling.begin();
        let candidate = self.confirm_person(body).await?;
        let subject = SubjectId::random(&*self.parts.rng);
        let _run = self.running.begin(subject);
        // 4.
        let begun = self.begin(subject).await?;
        match self
            .reserve_and_commit(&begun, &candidate, counter.as_ref())
            .await
        {
            Ok(committed) => self.complete(&committed).await,
            Err(error) => {
                self.abandon(subject, error.leftover()).await;
                if matches!(error, EnrolmentError::Refused) {
                    self.tell_person(&candidate.person_tag, AlertKind::EnrolmentTried)
                        .await;
                }
                Err(error)
            }
        }
    }

    /// Everything that comes before the person is reserved.
    async fn confirm_person(&self, body: EnrolmentBody) -> Result<Candidate, EnrolmentError> {
        // 2.
        let pin = Pin::chosen(body.pin.expose().to_owned()).map_err(|_| EnrolmentError::PinUnacceptable)?;
        let device = self.take_key_proof(&body.key_proof)?;
        let jkt = device.thumbprint();
        let document = self.stated(&body.document, &jkt).await?;
        // A key that is or was somebody's, which a key holder may not take either.
        let known = self.parts.devices.known_device(&jkt).await?;
        if known.is_some() {
            return Err(EnrolmentError::Refused);
        }
        let guardian = match &body.guardian_consent {
            Some(consent) => Some(self.check_guardian(consent, &device).await?),
            None => None,
        };
        // 3.
        let confirmed = self.ask_source(&document, &body.evidence).await?;
        if guardian.is_some() && !may_have_guardian(self.now().date(), confirmed.birth_date) {
            return Err(EnrolmentError::Refused);
        }
        if pin.tells(confirmed.birth_date) {
            return Err(EnrolmentError::PinUnacceptable);
        }
        if guardian.is_none() && self.needs_guardian(confirmed.birth_date) {
            return Err(EnrolmentError::Refused);
        }
        let pin = self.parts.pins.hash(&pin, &*self.parts.rng).await?;
        Ok(Candidate {
            device,
            document,
            birth_date: confirmed.birth_date,
            person_tag: confirmed.person_tag,
            pin,
            guardian,
        })
    }

    async fn reserve_and_commit(
        &self,
        begun: &BeginningEnrolment,
        candidate: &Candidate,
        counter: Option<&Counter>,
    ) -> Result<NewSubject, EnrolmentError> {
        let subject = begun.subject;
        // 4.
        if let Some(counter) = counter {
            self.keep_codes(subject, &candidate.device, counter).await?;
        }
        // 5.
        let (document, birth_date) = (&candidate.document, candidate.birth_date);
        let record = self.seal_record(subject, document, birth_date, RESERVATION_INFO)?;
        let binds = Binds {
            subject,
            device: &candidate.device,
            number_commitment: &number_commitment(&begun.salt, &begun.number),
        };
        if !self.deposit(&binds, record).await? {
            return Err(EnrolmentError::Refused);
        }
        // 6.
        if let Some(guardian) = &candidate.guardian {
            self.establish_guardianship(subject, guardian).await?;
        }
        self.commit(self.new_subject(candidate, begun)).await
    }

    /// Notes that an enrolment has begun, with a fresh number and the salt of the commitment by which the key holders bind
    /// the record to it; only the registry keeps what opens the commitment. What is taken after several numbers is not the
    /// number's fault.
    async fn begin(&self, subject: SubjectId) -> Result<BeginningEnrolment, EnrolmentError> {
        for _ in 0..NUMBERS_TRIED {
            let begun = BeginningEnrolment {
                subject,
                number: NetworkNumber::random(&*self.parts.rng),
                salt: random(&*self.parts.rng),
                now: self.now(),
            };
            if self.parts.number_salts.begin_numbered(&begun).await? {
                return Ok(begun);
            }
        }
        Err(EnrolmentError::Refused)
    }

    async fn commit(&self, new: NewSubject) -> Result<NewSubject, EnrolmentError> {
        match self.parts.subjects.commit_enrolment(&new).await {
            Ok(true) => Ok(new),
            Ok(false) => Err(EnrolmentError::Refused),
            Err(error) => self.commit_outcome(new, error).await,
        }
    }

    /// After a commit that failed: it may have happened all the same.
    async fn commit_outcome(
        &self,
        new: NewSubject,
        error: StorageError,
    ) -> Result<NewSubject, EnrolmentError> {
        let open = self.parts.subjects.open_enrolments(self.now().plus(1)).await;
        let happened = open.is_ok_and(|open| open.contains(&(new.subject, EnrolmentStage::Committed)));
        if happened {
            Ok(new)
        } else {
            Err(EnrolmentError::CommitUnknown(error))
        }
    }

    fn new_subject(&self, candidate: &Candidate, begun: &BeginningEnrolment) -> NewSubject {
        let now = self.now();
        let today = now.date();
        NewSubject {
            subject: begun.subject,
            number: begun.number.clone(),
            device: SubjectDevice {
                jkt: candidate.device.thumbprint(),
                key: *candidate.device.as_sec1(),
                bound_at: now,
            },
            age_flags: AgeFlags::on(today, candidate.birth_date),
            age_tags: self.age_tags(candidate.birth_date, today),
            pin: candidate.pin.clone(),
            person_tag: candidate.person_tag,
            document_expires_at: candidate.document.ends_at,
            credential_expires_at: certificate::end(now, candidate.document.ends_at),
        }
    }

    async fn complete(&self, committed: &NewSubject) -> Result<Enrolled, EnrolmentError> {
        // 7.
        self.confirm(committed.subject).await;
        // 8.
        Ok(Enrolled {
            network_number: committed.number.clone(),
            credential: self.certificate(committed)?,
            credential_expires_at: committed.credential_expires_at,
            status: SubjectStatus::Active,
        })
    }

    /// Frees what an enrolment has left behind, as far as that is certain; the rest is left to housekeeping.
    async fn abandon(&self, subject: SubjectId, leftover: Leftover) {
        let freed = match leftover {
            Leftover::Known => self.finish(subject, Outcome::Freed).await,
            Leftover::OnItsWay => self.settle(&[subject], Outcome::Freed).await,
            Leftover::PerhapsCommitted => Ok(()),
        };
        if let Err(error) = freed {
            tracing::warn!(%error, "an enrolment is not yet freed; it will be");
        }
    }
}
