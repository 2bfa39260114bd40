//! The network certificate (网证).

use cyberid_crypto::KeyFailure;
use cyberid_domain::UnixTime;
use cyberid_domain::number::NetworkNumber;
use cyberid_domain::rng::random;
use cyberid_domain::subject::SubjectStatus;
use cyberid_protocol::certificate::{Certificate, Confirmation, MAX_LIFE};
use cyberid_protocol::enrolment::number_commitment;
use cyberid_protocol::message::Message as _;
use cyberid_storage::subject::NewSubject;

use crate::Issuance;

/// When a certificate ends that is issued at `now` for a document that ends at `document_end`: counted from the
/// start of the day, because an end to the second would tell the moment that `iat` hides.
pub(crate) fn end(now: UnixTime, document_end: UnixTime) -> UnixTime {
    now.day_start().plus(MAX_LIFE).min(document_end)
}

impl Issuance {
    /// Signs the certificate of a committed subject.
    pub(crate) fn certificate(&self, subject: &NewSubject) -> Result<String, KeyFailure> {
        let (device, end) = (&subject.device, subject.credential_expires_at);
        self.certify(&device.jkt, &subject.number, device.bound_at.day_start(), end)
    }

    /// Signs a certificate for a device key.
    pub(crate) fn certify(
        &self,
        jkt: &str,
        number: &NetworkNumber,
        issued: UnixTime,
        end: UnixTime,
    ) -> Result<String, KeyFailure> {
        let salt: [u8; 32] = random(&*self.parts.rng);
        let certificate = Certificate {
            iss: self.parts.issuer.clone(),
            cnf: Confirmation { jkt: jkt.to_owned() },
            number_commitment: number_commitment(&salt, number),
            status: SubjectStatus::Active,
            iat: issued,
            exp: end,
        };
        certificate.sign(&*self.parts.certificate_key.current())
    }
}
