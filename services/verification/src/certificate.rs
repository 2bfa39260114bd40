//! Registration certificates: the platform's signed word on one relying party and one intended use, and their
//! publication, so that a holder's app knows offline who asks, for what, and by which key.

use cyberid_crypto::PublicKey;
use cyberid_domain::UnixTime;
use cyberid_domain::id::ClientId;
use cyberid_domain::relying_party::RegistrationStatus;
use cyberid_protocol::message::Message as _;
use cyberid_protocol::registration::{
    CertificatesPage, PublishedCertificates, Registration, RegistrationCertificate,
};
use cyberid_storage::relying_party::RelyingParty;

use crate::Verification;
use crate::refusal::Refusal;
use crate::registration::{encryption_jkt, signing_keys};

/// The most relying parties on a page.
const MAX_PAGE: u32 = 100;

impl Verification {
    /// A certificate for each use of a registration, in its order, valid from `iat` until `exp`.
    pub(crate) fn certify(
        &self,
        client_id: &ClientId,
        registration: &Registration,
        iat: UnixTime,
        exp: UnixTime,
    ) -> Result<Vec<String>, Refusal> {
        let enc_jkt = encryption_jkt(registration).ok_or(Refusal::Text)?;
        let sig_jkts: Vec<_> = signing_keys(registration)
            .iter()
            .map(PublicKey::thumbprint)
            .collect();
        let key = self.parts.registration.current();
        let certificates = registration.intended_uses.iter().map(|intended_use| {
            let certificate = RegistrationCertificate {
                iss: self.parts.issuer.clone(),
                sub: client_id.clone(),
                name: registration.name.clone(),
                domain: registration.domains.first().cloned().unwrap_or_default(),
                intended_use: intended_use.clone(),
                sig_jkts: sig_jkts.clone(),
                enc_jkt: enc_jkt.clone(),
                iat,
                exp,
            };
            certificate.sign(&*key)
        });
        Ok(certificates.collect::<Result<_, _>>()?)
    }

    /// The certificates of those who may act now, by id, after this one.
    pub(crate) async fn published_certificates(
        &self,
        after: Option<&ClientId>,
        limit: Option<u32>,
    ) -> Result<CertificatesPage, Refusal> {
        let limit = limit.unwrap_or(MAX_PAGE);
        if !(1..=MAX_PAGE).contains(&limit) {
            return Err(Refusal::Member("limit"));
        }
        let store = &self.parts.relying_parties;
        let mut rows = store.active(after, limit + 1, self.now()).await?;
        let more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        Ok(CertificatesPage {
            next: rows.last().filter(|_| more).map(|row| row.client_id.clone()),
            relying_parties: rows.into_iter().map(published).collect(),
        })
    }

    /// The certificates of one relying party, if it may act now.
    pub(crate) async fn published_certificates_of(
        &self,
        client_id: &ClientId,
    ) -> Result<PublishedCertificates, Refusal> {
        let row = self.registration(client_id).await?;
        let active = row.standing(self.now()) == RegistrationStatus::Approved;
        active.then(|| published(row)).ok_or(Refusal::NotFound)
    }
}

fn published(row: RelyingParty) -> PublishedCertificates {
    PublishedCertificates {
        client_id: row.client_id,
        registration_certificates: row.certificates,
    }
}
