//! Asking for a verification, and waiting for its outcome.

use std::time::Duration;

use cyberid_domain::UnixTime;
use cyberid_domain::check::{Check, Factor};
use cyberid_domain::clock::SKEW;
use cyberid_domain::id::{Nonce, VerificationId};
use cyberid_protocol::verification::{
    VerificationBody, VerificationRequested, VerificationStatus, VerificationView,
};

use crate::attestation::{Expected, VerifiedAttestation};
use crate::{RelyingParty, RelyingPartyError};

/// The longest that the platform is asked to hold an answer back, in seconds.
const LONGEST_WAIT: u64 = 30;
/// The pause between two looks, should the platform answer at once.
const PAUSE: Duration = Duration::from_millis(200);

/// What a relying party asks about a person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ask {
    /// The registered purpose.
    pub purpose: String,
    /// The checks.
    pub checks: Vec<Check>,
    /// The factors beyond the device's signature.
    pub factors: Vec<Factor>,
    /// The pseudonym that `same_person` compares with.
    pub sub: Option<String>,
    /// For how many seconds the holder can answer; the platform has a default.
    pub expires_in: Option<u64>,
}

/// A verification that waits for its holder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingVerification {
    /// Its id.
    pub id: VerificationId,
    /// What the holder's app fetches: for a link or a QR code.
    pub request_uri: String,
    /// Until when the holder can answer.
    pub expires_at: UnixTime,
    expected: Expected,
}

impl PendingVerification {
    /// What the attestation will have to answer.
    pub fn expected(&self) -> &Expected {
        &self.expected
    }
}

/// How a verification ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VerifiedOutcome {
    /// The holder answered; the attestation says what holds.
    Attested(VerifiedAttestation),
    /// The holder refused. Nothing follows from that.
    Declined,
    /// Nobody answered in time.
    Expired,
}

impl RelyingParty {
    /// Asks for a verification, under a fresh nonce.
    pub async fn request_verification(&self, ask: &Ask) -> Result<PendingVerification, RelyingPartyError> {
        let nonce = Nonce::random(&*self.rng);
        let body = VerificationBody {
            purpose: ask.purpose.clone(),
            checks: ask.checks.clone(),
            factors: ask.factors.clone(),
            nonce: nonce.clone(),
            sub: ask.sub.clone(),
            expires_in: ask.expires_in,
        };
        let requested: VerificationRequested = self.session.post("/v1/verifications", &body).await?;
        Ok(PendingVerification {
            id: requested.id,
            request_uri: requested.request_uri,
            expires_at: requested.expires_at,
            expected: Expected::new(ask, nonce),
        })
    }

    /// Waits until the verification is decided or has expired.
    pub async fn wait(&self, pending: &PendingVerification) -> Result<VerifiedOutcome, RelyingPartyError> {
        loop {
            if let Some(outcome) = self.look(pending).await? {
                return Ok(outcome);
            }
            if self.now() > pending.expires_at.plus(SKEW) {
                return Ok(VerifiedOutcome::Expired);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Looks once, for as long as a call may take; nothing means that the holder has not answered yet.
    pub async fn look(
        &self,
        pending: &PendingVerification,
    ) -> Result<Option<VerifiedOutcome>, RelyingPartyError> {
        let wait = (self.platform.client().limits().total.as_secs() / 2).min(LONGEST_WAIT);
        let path = format!("/v1/verifications/{}?wait={wait}", pending.id);
        let view: VerificationView = self.session.get(&path).await?;
        match view.status {
            VerificationStatus::Pending => Ok(None),
            VerificationStatus::Declined => Ok(Some(VerifiedOutcome::Declined)),
            VerificationStatus::Expired => Ok(Some(VerifiedOutcome::Expired)),
            // What the status says is nobody's signature: only the attestation counts.
            VerificationStatus::Passed | VerificationStatus::Failed => {
                let compact = view.attestation.ok_or(RelyingPartyError::NoAttestation)?;
                let attestation = self.check_attestation(&pending.expected, &compact).await?;
                Ok(Some(VerifiedOutcome::Attested(attestation)))
            }
        }
    }
}
