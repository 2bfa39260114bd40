//! The counter: an operator's station assists a person who has no device, and hands them a sheet of codes, each a device
//! key that acts once. The numbers in comments are those of `docs/cycles/counter.md`.

use std::net::IpAddr;
use std::sync::Arc;

use cyberid_crypto::PublicKey;
use cyberid_domain::UnixTime;
use cyberid_domain::device::AlertKind;
use cyberid_domain::id::{ClientId, SubjectId};
use cyberid_protocol::counter::{
    CounterEnrolled, CounterEnrolmentBody, CounterRecovered, CounterRecoveryBody, MOST_CODES,
};
use cyberid_storage::counter::{Keyed, NewCodes};
use cyberid_web::scrub::Scrubbed;

use crate::binding::Bound;
use crate::{DeviceError, EnrolmentError, Issuance};

/// Who assists, and the keys of the sheet beside the first.
pub(crate) struct Counter {
    station: ClientId,
    sheet: Vec<PublicKey>,
}

/// The keys that are bound, and since when those beside the first release.
struct Sheet {
    bound: Vec<String>,
    release_from: Option<UnixTime>,
}

impl Issuance {
    /// Enrols a person whom `station` assists, with a sheet of codes for their devices.
    pub(crate) async fn enrol_at_counter(
        self: &Arc<Self>,
        station: ClientId,
        from: Option<IpAddr>,
        body: CounterEnrolmentBody,
    ) -> Result<CounterEnrolled, DeviceError> {
        // 2.
        let counter = self.counter(station, &body.sheet)?;
        let sheet = counter.sheet.clone();
        let first = first_key(&body.enrolment.key_proof)?;
        // 3.
        let enrolled = self.enrol_from(from, body.enrolment, Some(counter)).await?;
        // 4.
        let Sheet { bound, release_from } = self.bind_sheet(first, sheet).await?;
        Ok(CounterEnrolled {
            enrolled,
            bound,
            release_from,
        })
    }

    /// Gives a person whom `station` assists a fresh sheet, by fresh evidence.
    pub(crate) async fn recover_at_counter(
        self: &Arc<Self>,
        station: ClientId,
        from: Option<IpAddr>,
        body: CounterRecoveryBody,
    ) -> Result<CounterRecovered, DeviceError> {
        // 2.
        let counter = self.counter(station, &body.sheet)?;
        let sheet = counter.sheet.clone();
        let first = first_key(&body.recovery.key_proof)?;
        // 3.
        let recovered = self
            .recover_identifier(from, body.recovery, Some(counter))
            .await?;
        // 4.
        let Sheet { bound, release_from } = self.bind_sheet(first, sheet).await?;
        Ok(CounterRecovered {
            recovered,
            bound,
            release_from,
        })
    }

    /// Keeps that the keys of a sheet act once, before the first of them is bound.
    pub(crate) async fn keep_codes(
        &self,
        subject: SubjectId,
        first: &PublicKey,
        counter: &Counter,
    ) -> Result<(), EnrolmentError> {
        let keys = [first].into_iter().chain(&counter.sheet);
        let codes = NewCodes {
            subject,
            jkts: keys.map(PublicKey::thumbprint).collect(),
            station: counter.station.clone(),
            now: self.now(),
        };
        let kept = self.parts.subjects.keep_codes(&codes).await?;
        kept.then_some(()).ok_or(EnrolmentError::Refused)
    }

    fn counter(&self, station: ClientId, proofs: &[String]) -> Result<Counter, DeviceError> {
        if proofs.len() >= MOST_CODES {
            return Err(DeviceError::Message);
        }
        let mut sheet = Vec::new();
        for proof in proofs {
            sheet.push(self.take_key_proof(proof)?);
        }
        Ok(Counter { station, sheet })
    }

    /// Binds the keys beside the first one, for which the same evidence speaks. It runs to its end even when the caller goes
    /// away; what a key holder does not take is left out of the sheet, and unbound by housekeeping.
    async fn bind_sheet(
        self: &Arc<Self>,
        first: PublicKey,
        sheet: Vec<PublicKey>,
    ) -> Result<Sheet, DeviceError> {
        let issuance = Arc::clone(self);
        let bound = tokio::spawn(Scrubbed::new(async move {
            let jkt = first.thumbprint();
            let (mut bound, mut release_from) = (vec![jkt.clone()], None);
            for key in sheet {
                // Whoever recovers meanwhile has voided this sheet with its first code.
                let keyed = issuance.parts.subjects.by_key(&jkt).await?;
                let subject = keyed.and_then(Keyed::usable).ok_or(DeviceError::NotFound)?;
                match issuance.bind_device(code(subject.subject, key)).await {
                    Ok(from) => {
                        bound.push(key.thumbprint());
                        release_from = Some(from);
                    }
                    Err(error) => tracing::warn!(%error, "a code of a sheet could not be bound"),
                }
            }
            Ok(Sheet { bound, release_from })
        }));
        bound.await.map_err(|_| EnrolmentError::Stopped)?
    }
}

fn code(subject: SubjectId, device: PublicKey) -> Bound {
    Bound {
        subject,
        device,
        approval: None,
        revoke_others: false,
        pin: None,
        alert: AlertKind::DeviceAdded,
    }
}

/// The key of a proof that is checked later on.
fn first_key(proof: &str) -> Result<PublicKey, DeviceError> {
    let opened = cyberid_protocol::key_proof::KeyProof::open(proof);
    opened.map(|(key, _)| key).map_err(|_| DeviceError::Message)
}
