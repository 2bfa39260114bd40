//! The platform's word on who asks, and for what: a request has to stay within its registration certificate.

use cyberid_client::{KeyRole, MessageRefused, Platform};
use cyberid_crypto::{PublicKey, digest};
use cyberid_domain::UnixTime;
use cyberid_domain::check::{Check, distinct};
use cyberid_domain::field::Field;
use cyberid_domain::id::ClientId;
use cyberid_domain::relying_party::IntendedUse;
use cyberid_protocol::canonical;
use cyberid_protocol::message::{NotNow, check_life, open, unverified};
use cyberid_protocol::registration::{self, RegistrationCertificate};
use cyberid_protocol::request::{ReleaseRequest, RequestingParty};

/// Why a registration certificate does not cover a request.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CertificateRefused {
    /// The platform did not sign it as a registration certificate.
    #[error("not a certificate that the platform signed: {0}")]
    Message(#[from] MessageRefused),
    /// It is of another issuer.
    #[error("a certificate of another issuer")]
    Issuer,
    /// It is not of this moment.
    #[error("a certificate that is not valid now: {0}")]
    NotNow(#[from] NotNow),
    /// It is another relying party's, or names it otherwise.
    #[error("the certificate names another relying party")]
    Party,
    /// It is for another purpose.
    #[error("the certificate is for another purpose")]
    Purpose,
    /// More is asked than it allows, or nothing, or something twice.
    #[error("more is asked than the certificate allows")]
    OverAsking,
    /// Legal basis, retention or notice is not the registered one.
    #[error("the terms are not the registered ones")]
    Terms,
    /// The plaintext would be encrypted to another key than the registered one.
    #[error("the encryption key is not the registered one")]
    EncryptionKey,
    /// The direct request was signed by a key that is not registered.
    #[error("the signing key is not a registered one")]
    SigningKey,
}

/// A registration certificate that the platform signed and that is valid now.
pub(crate) struct Certified(RegistrationCertificate);

impl Certified {
    pub(crate) async fn open(
        platform: &Platform,
        compact: &str,
        now: UnixTime,
    ) -> Result<Self, CertificateRefused> {
        let certificate = platform.open(KeyRole::Registration, compact).await?;
        Self::of(certificate, platform.issuer(), now)
    }

    /// Opens a certificate without a call: one of `keys` has to have signed it.
    pub(crate) fn offline(
        issuer: &str,
        keys: &[PublicKey],
        compact: &str,
        now: UnixTime,
    ) -> Result<Self, CertificateRefused> {
        let message = unverified::<RegistrationCertificate>(compact).map_err(MessageRefused::from)?;
        let named = |key: &&PublicKey| message.kid() == Ok(key.thumbprint().as_str());
        let key = keys.iter().find(named).ok_or(MessageRefused::UnknownKey)?;
        let certificate = open(compact, key).map_err(MessageRefused::from)?;
        Self::of(certificate, issuer, now)
    }

    fn of(
        certificate: RegistrationCertificate,
        issuer: &str,
        now: UnixTime,
    ) -> Result<Self, CertificateRefused> {
        if certificate.iss != issuer {
            return Err(CertificateRefused::Issuer);
        }
        check_life(certificate.iat, certificate.exp, registration::MAX_LIFE, now)?;
        Ok(Self(certificate))
    }

    /// How the platform names the relying party.
    pub(crate) fn party(&self) -> RequestingParty {
        RequestingParty {
            client_id: self.0.sub.clone(),
            name: self.0.name.clone(),
            domain: self.0.domain.clone(),
        }
    }

    pub(crate) fn covers_party(&self, shown: &RequestingParty) -> Result<(), CertificateRefused> {
        demand(self.party() == *shown, CertificateRefused::Party)
    }

    pub(crate) fn covers_signer(&self, client_id: &ClientId, jkt: &str) -> Result<(), CertificateRefused> {
        demand(self.0.sub == *client_id, CertificateRefused::Party)?;
        let registered = self.0.sig_jkts.iter().any(|registered| registered == jkt);
        demand(registered, CertificateRefused::SigningKey)
    }

    pub(crate) fn covers_checks(&self, purpose: &str, checks: &[Check]) -> Result<(), CertificateRefused> {
        let registered = self.intended_use(purpose)?;
        demand(within(checks, &registered.checks), CertificateRefused::OverAsking)
    }

    pub(crate) fn covers_release(&self, request: &ReleaseRequest) -> Result<(), CertificateRefused> {
        let registered = self.intended_use(&request.purpose)?;
        demand(
            within::<Field>(&request.fields, &registered.fields),
            CertificateRefused::OverAsking,
        )?;
        let notice = canonical::to_string(registered).map_err(|_| CertificateRefused::Terms)?;
        let terms = request.legal_basis == registered.legal_basis
            && request.retention_days == registered.retention_days
            && request.notice_uri == registered.notice_uri
            && request.notice_sha256 == digest::sha256_base64url(notice.as_bytes());
        demand(terms, CertificateRefused::Terms)?;
        demand(
            request.enc_jkt == self.0.enc_jkt,
            CertificateRefused::EncryptionKey,
        )
    }

    fn intended_use(&self, purpose: &str) -> Result<&IntendedUse, CertificateRefused> {
        demand(
            self.0.intended_use.purpose == purpose,
            CertificateRefused::Purpose,
        )?;
        Ok(&self.0.intended_use)
    }
}

fn demand(holds: bool, otherwise: CertificateRefused) -> Result<(), CertificateRefused> {
    if holds { Ok(()) } else { Err(otherwise) }
}

/// Whether what is asked is something, nothing twice, and nothing beyond what is registered.
fn within<T: Copy + Ord>(asked: &[T], registered: &[T]) -> bool {
    distinct(asked).is_some() && asked.iter().all(|one| registered.contains(one))
}
