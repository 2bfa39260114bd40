//! The counter: an operator's station assists a person who has no device, and hands them a sheet of codes, each a device
//! key that acts once. The numbers in comments are those of `docs/cycles/counter.md`.

use std::net::IpAddr;
use std::sync::Arc;

use cyberid_crypto::PublicKey;
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

impl Issuance {
    /// Enrols a person whom `station` assists, with a sheet of codes for their devices.
    pub(crate) async fn enrol_at_counter(
        self: &Arc<Self>,
        station: ClientId,
        from: Option<IpAddr>,
        body: CounterEnrolmentBody,
    ) -> Result<CounterEnrolled, DeviceError> {
        // 2.
        let counter = self.counter(station, &body.sheet).await?;
        let sheet = counter.sheet.clone();
        let first = first_key(&body.enrolment.key_proof)?;
        // 3.
        let enrolled = self.enrol_from(from, body.enrolment, Some(counter)).await?;
        // 4.
        let bound = self.bind_sheet(first, sheet).await?;
        Ok(CounterEnrolled { enrolled, bound })
    }

    /// Gives a person whom `station` assists a fresh sheet, by fresh evidence.
    pub(crate) async fn recover_at_counter(
        self: &Arc<Self>,
        station: ClientId,
        from: Option<IpAddr>,
        body: CounterRecoveryBody,
    ) -> Result<CounterRecovered, DeviceError> {
        // 2.
        let counter = self.counter(station, &body.sheet).await?;
        let sheet = counter.sheet.clone();
        let first = first_key(&body.recovery.key_proof)?;
        // 3.
        let recovered = self
            .recover_identifier(from, body.recovery, Some(counter))
            .await?;
        // 4.
        let bound = self.bind_sheet(first, sheet).await?;
        Ok(CounterRecovered { recovered, bound })
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

    async fn counter(&self, station: ClientId, proofs: &[String]) -> Result<Counter, DeviceError> {
        if proofs.len() >= MOST_CODES {
            return Err(DeviceError::Message);
        }
        let mut sheet = Vec::new();
        for proof in proofs {
            sheet.push(self.take_key_proof(proof).await?);
        }
        Ok(Counter { station, sheet })
    }

    /// Binds the keys beside the first one, for which the same evidence speaks. It runs to its end even when the caller goes
    /// away; what a key holder does not take is left out of the sheet, and unbound by housekeeping.
    async fn bind_sheet(
        self: &Arc<Self>,
        first: PublicKey,
        sheet: Vec<PublicKey>,
    ) -> Result<Vec<String>, DeviceError> {
        let issuance = Arc::clone(self);
        let bound = tokio::spawn(Scrubbed::new(async move {
            let keyed = issuance.parts.subjects.by_key(&first.thumbprint()).await?;
            let subject = keyed.and_then(Keyed::usable).ok_or(DeviceError::NotFound)?;
            let mut bound = vec![first.thumbprint()];
            for key in sheet {
                match issuance.bind_device(code(subject.subject, key)).await {
                    Ok(_) => bound.push(key.thumbprint()),
                    Err(error) => tracing::warn!(%error, "a code of a sheet could not be bound"),
                }
            }
            Ok(bound)
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
