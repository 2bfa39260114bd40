//! Proving again who one is: recovery of an identifier whose devices are lost, and a PIN that was forgotten. The numbers in
//! comments are those of `docs/cycles/recovery.md`.
//!
//! The person is found by the source's handle, after the evidence has passed, and by nothing that a stranger could know.

use std::net::IpAddr;
use std::sync::Arc;

use cyberid_domain::device::AlertKind;
use cyberid_domain::id::SubjectId;
use cyberid_domain::pin::Pin;
use cyberid_domain::subject::SubjectStatus;
use cyberid_protocol::certificate::{Certificate, Confirmation};
use cyberid_protocol::device::{Recovered, RecoveryBody, SealedPinReset};
use cyberid_protocol::enrolment::{Document, Evidence, number_commitment};
use cyberid_protocol::message::Message as _;
use cyberid_storage::counter::Keyed;
use cyberid_storage::device::Alert;
use cyberid_storage::subject::{HashedPin, Subject};
use cyberid_web::scrub::Scrubbed;

use crate::binding::Bound;
use crate::counter::Counter;
use crate::device::lives;
use crate::document::CheckedDocument;
use crate::source::Confirmed;
use crate::{DeviceError, EnrolmentError, Issuance};

impl Issuance {
    /// Gives the person of this evidence a new device. It runs to its end even when the caller goes away.
    pub(crate) async fn recover_identifier(
        self: &Arc<Self>,
        from: Option<IpAddr>,
        body: RecoveryBody,
        counter: Option<Counter>,
    ) -> Result<Recovered, DeviceError> {
        let issuance = Arc::clone(self);
        let guess = self.meter.begin(from, self.now())?;
        let recovered = tokio::spawn(Scrubbed::new(async move {
            issuance.recover_here(body, counter).await
        }));
        let recovered = recovered.await.map_err(|_| EnrolmentError::Stopped)?;
        guess.end(is_refused(&recovered));
        recovered
    }

    async fn recover_here(
        &self,
        body: RecoveryBody,
        counter: Option<Counter>,
    ) -> Result<Recovered, DeviceError> {
        // 2.
        let pin = chosen(&body.pin)?;
        let device = self.take_key_proof(&body.key_proof)?;
        // 3.
        let (document, confirmed) = self
            .prove_again(&body.document, &body.evidence, &device.thumbprint())
            .await?;
        let pin = self.new_pin(&pin, &confirmed).await?;
        // 4.
        let found = self
            .parts
            .devices
            .subject_of_person(&confirmed.person_tag)
            .await?;
        let subject = found.ok_or(EnrolmentError::Refused)?;
        // The number is at hand: the vault keeps it under its newest key from now on.
        self.reserve(subject, &document).await?;
        if let Some(counter) = &counter {
            self.keep_codes(subject, &device, counter).await?;
        }
        // 5.
        let bound = Bound {
            subject,
            device,
            approval: None,
            revoke_others: body.revoke_others,
            pin: Some(pin),
            alert: AlertKind::DeviceRecovered,
        };
        let recovered = match self.require_living(&subject).await {
            Ok(()) => self.bind_device(bound).await,
            Err(error) => Err(error),
        };
        let release_from = match recovered {
            Ok(release_from) => release_from,
            Err(error) => return Err(self.recovery_refused(&subject, error).await),
        };
        // 6.
        let keyed = self.parts.subjects.by_key(&device.thumbprint()).await?;
        let subject = keyed.and_then(Keyed::usable).ok_or(DeviceError::NotFound)?;
        self.recovered(&subject, release_from)
    }

    /// Sets the PIN of the holder of the device key `jkt` anew, by fresh evidence of the same person. It runs to its end even
    /// when the caller goes away.
    pub(crate) async fn reset_pin(
        self: &Arc<Self>,
        jkt: String,
        from: Option<IpAddr>,
        sealed: &str,
    ) -> Result<(), DeviceError> {
        let body = SealedPinReset::read(&self.unseal(sealed)?).map_err(|_| DeviceError::Message)?;
        let issuance = Arc::clone(self);
        let guess = self.meter.begin(from, self.now())?;
        let reset = tokio::spawn(Scrubbed::new(async move {
            issuance.reset_pin_here(&jkt, &body).await
        }));
        let reset = reset.await.map_err(|_| EnrolmentError::Stopped)?;
        guess.end(is_refused(&reset));
        reset
    }

    async fn reset_pin_here(&self, jkt: &str, body: &SealedPinReset) -> Result<(), DeviceError> {
        let pin = chosen(&body.pin)?;
        let subject = self.acting(jkt).await?.subject;
        let (_, confirmed) = self.prove_again(&body.document, &body.evidence, jkt).await?;
        let own = self.parts.subjects.person_tag(&subject).await?;
        if own != Some(confirmed.person_tag) {
            return Err(EnrolmentError::Refused.into());
        }
        let pin = self.new_pin(&pin, &confirmed).await?;
        self.set_pin(&subject, &pin, AlertKind::PinReset, jkt).await
    }

    /// Sets a PIN, forgets failures, and tells the holder.
    pub(crate) async fn set_pin(
        &self,
        subject: &SubjectId,
        pin: &HashedPin,
        kind: AlertKind,
        jkt: &str,
    ) -> Result<(), DeviceError> {
        let alert = Alert {
            time: self.now(),
            kind,
            device: Some(jkt.to_owned()),
        };
        let set = self.parts.devices.set_pin(subject, pin, &alert).await?;
        set.then_some(()).ok_or(DeviceError::NotFound)
    }

    /// Tells the holder of whose person this is the tag what was tried, if there is one.
    pub(crate) async fn tell_person(&self, person_tag: &[u8; 32], kind: AlertKind) {
        let told = async {
            let Some(subject) = self.parts.devices.subject_of_person(person_tag).await? else {
                return Ok(());
            };
            self.tell_holder(&subject, kind).await
        };
        if let Err(error) = told.await {
            tracing::warn!(%error, "a holder could not be told what was tried");
        }
    }

    async fn tell_holder(
        &self,
        subject: &SubjectId,
        kind: AlertKind,
    ) -> Result<(), cyberid_storage::StorageError> {
        let alert = Alert {
            time: self.now(),
            kind,
            device: None,
        };
        self.parts.devices.tell(subject, &alert).await
    }

    /// What the source says of the living person of document and evidence.
    async fn prove_again(
        &self,
        document: &Document,
        evidence: &Evidence,
        jkt: &str,
    ) -> Result<(CheckedDocument, Confirmed), DeviceError> {
        let document = self.stated(document, jkt).await?;
        let confirmed = self.ask_source(&document, evidence).await?;
        Ok((document, confirmed))
    }

    async fn new_pin(&self, pin: &Pin, confirmed: &Confirmed) -> Result<HashedPin, DeviceError> {
        if pin.tells(confirmed.birth_date) {
            return Err(EnrolmentError::PinUnacceptable.into());
        }
        Ok(self.parts.pins.hash(pin, &*self.parts.rng).await?)
    }

    async fn require_living(&self, subject: &SubjectId) -> Result<(), DeviceError> {
        let devices = self.parts.subjects.devices(subject).await?;
        let device = devices.first().ok_or(EnrolmentError::Refused)?;
        let keyed = self.parts.subjects.by_key(&device.jkt).await?;
        let living = keyed.is_some_and(|keyed| lives(keyed.subject.status));
        living.then_some(()).ok_or(EnrolmentError::Refused.into())
    }

    /// The holder is told, and the caller hears of one reason only.
    async fn recovery_refused(&self, subject: &SubjectId, error: DeviceError) -> DeviceError {
        if let Err(error) = self.tell_holder(subject, AlertKind::RecoveryTried).await {
            tracing::warn!(%error, "a holder could not be told what was tried");
        }
        match error {
            DeviceError::Unacceptable => EnrolmentError::Refused.into(),
            error => error,
        }
    }

    fn recovered(
        &self,
        subject: &Subject,
        release_from: cyberid_domain::UnixTime,
    ) -> Result<Recovered, DeviceError> {
        let now = self.now();
        let valid = subject.status == SubjectStatus::Active && subject.credential_expires_at > now;
        let salt: [u8; 32] = cyberid_domain::rng::random(&*self.parts.rng);
        let certificate = Certificate {
            iss: self.parts.issuer.clone(),
            cnf: Confirmation {
                jkt: subject.device.jkt.clone(),
            },
            number_commitment: number_commitment(&salt, &subject.number),
            status: subject.status,
            iat: now.day_start(),
            exp: subject.credential_expires_at,
        };
        let key = self.parts.certificate_key.current();
        Ok(Recovered {
            network_number: subject.number.clone(),
            status: subject.status,
            credential: valid.then(|| certificate.sign(&*key)).transpose()?,
            credential_expires_at: subject.credential_expires_at,
            release_from,
        })
    }
}

/// A PIN that is not easy to guess.
pub(crate) fn chosen(pin: &Pin) -> Result<Pin, EnrolmentError> {
    Pin::chosen(pin.expose().to_owned()).map_err(|_| EnrolmentError::PinUnacceptable)
}

fn is_refused<T>(done: &Result<T, DeviceError>) -> bool {
    matches!(done, Err(DeviceError::Enrolment(EnrolmentError::Refused)))
}
