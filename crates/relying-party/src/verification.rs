//! Asking for a verification, and waiting for its outcome.

use std::time::Duration;

use cyberid_domain::UnixTime;
use cyberid_domain::check::{Check, Factor};
use cyberid_domain::clock::SKEW;
use cyberid_domain::id::{CounterCode, Nonce, VerificationId};
use cyberid_protocol::comparison;
use cyberid_protocol::verification::{
    VerificationBody, VerificationRequested, VerificationStatus, VerificationView,
};
use serde::{Deserialize, Serialize};

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
    /// The code that the holder shows at a counter, for a question through the platform.
    pub code: Option<CounterCode>,
    /// For how many seconds the holder can answer; the platform has a default.
    pub expires_in: Option<u64>,
}

/// A verification that waits for its holder: worth keeping until it is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PendingVerification {
    /// Its id.
    pub id: VerificationId,
    /// What the holder's app fetches: for a link or a QR code.
    pub request_uri: String,
    /// Until when the holder can answer.
    pub expires_at: UnixTime,
    /// The four digits to show: the holder's device shows the same.
    pub comparison_code: String,
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
            code: ask.code.clone(),
            expires_in: ask.expires_in,
        };
        let requested: VerificationRequested = self.session.post("/v1/verifications", &body).await?;
        Ok(PendingVerification {
            comparison_code: comparison::code(&self.client_id, requested.id.as_str(), &nonce),
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use cyberid_domain::check::Outcome;
    use cyberid_protocol::attestation::{Attestation, LIFE};
    use cyberid_protocol::direct_request::{self, DirectRequest};
    use cyberid_protocol::message;
    use serde_json::json;

    use super::*;
    use crate::AttestationRefused;
    use crate::platform_double::{NOW, PlatformDouble};
    use crate::testing::{ask, client_id, met, sub};

    const VIEW: &str = "GET /v1/verifications/ver_AAAAAAAAAAAAAAAAAAAAAA";

    async fn requested() -> (Arc<PlatformDouble>, RelyingParty, PendingVerification) {
        let (double, party) = met().await;
        let answer = json!({"id": "ver_AAAAAAAAAAAAAAAAAAAAAA", "request_uri": "u", "expires_at": NOW.plus(300),
                "comparison_code": "0000"});
        double.script("POST /v1/verifications", 201, answer.to_string());
        let pending = party.request_verification(&ask()).await.unwrap();
        (double, party, pending)
    }

    fn attested(double: &PlatformDouble, expected: &Expected) -> String {
        let attestation = Attestation {
            iss: double.issuer.clone(),
            aud: client_id(),
            iat: NOW,
            exp: NOW.plus(LIFE),
            jti: expected.nonce().clone(),
            nonce: expected.nonce().clone(),
            purpose: "register".into(),
            result: Outcome::Fail,
            checks: ask()
                .checks
                .into_iter()
                .map(|check| (check, Outcome::Pass))
                .collect(),
            acr: "device+pin".into(),
            pad: String::new(),
            sub: None,
        };
        double.sign("attestation", &attestation.concluded(sub(1)))
    }

    #[tokio::test]
    async fn every_request_has_a_nonce_of_its_own() {
        let (double, party, first) = requested().await;
        let second = party.request_verification(&ask()).await.unwrap();
        assert_ne!(first.expected().nonce(), second.expected().nonce());
        let sent: VerificationBody =
            serde_json::from_slice(&double.received("POST /v1/verifications")[0].body).unwrap();
        assert_eq!(
            (&sent.nonce, sent.checks),
            (first.expected().nonce(), ask().checks)
        );
    }

    #[tokio::test]
    async fn both_sides_show_the_code_of_their_own_question() {
        let (_, party, pending) = requested().await;
        let nonce = pending.expected().nonce();
        let code = comparison::code(&client_id(), pending.id.as_str(), nonce);
        assert_eq!(pending.comparison_code, code, "computed here, not believed");
        let (_, expected) = party.direct_request(&ask()).await.unwrap();
        let direct = comparison::code(&client_id(), "", expected.nonce());
        assert_eq!(party.comparison_code(&expected), direct);
    }

    #[tokio::test]
    async fn waiting_ends_with_a_checked_attestation() {
        let (double, party, pending) = requested().await;
        double.script(VIEW, 200, r#"{"status":"pending"}"#);
        assert_eq!(party.look(&pending).await, Ok(None));
        let attestation = attested(&double, pending.expected());
        double.script_json(VIEW, &json!({"status": "passed", "attestation": attestation}));
        let Ok(VerifiedOutcome::Attested(attestation)) = party.wait(&pending).await else {
            panic!("attested")
        };
        assert_eq!(attestation.passed(), Some(sub(1).as_str()));
        assert_eq!(double.received(VIEW)[0].line, format!("{VIEW}?wait=5"));
    }

    #[tokio::test]
    async fn an_attestation_of_another_question_does_not_answer_this_one() {
        let (double, party, pending) = requested().await;
        let other = party.request_verification(&ask()).await.unwrap();
        let attestation = attested(&double, other.expected());
        double.script_json(VIEW, &json!({"status": "passed", "attestation": attestation}));
        assert_eq!(party.wait(&pending).await, Err(AttestationRefused::Nonce.into()));
    }

    #[tokio::test]
    async fn a_question_that_was_kept_takes_its_own_answer() {
        let (double, party, pending) = requested().await;
        let text = serde_json::to_string(&pending).unwrap();
        let attestation = attested(&double, pending.expected());
        double.script_json(VIEW, &json!({"status": "passed", "attestation": attestation}));
        let kept: PendingVerification = serde_json::from_str(&text).unwrap();
        assert_eq!(kept, pending);
        let outcome = party.wait(&kept).await;
        assert!(matches!(outcome, Ok(VerifiedOutcome::Attested(_))), "{outcome:?}");
    }

    #[tokio::test]
    async fn a_status_without_an_attestation_is_nobodys_word() {
        let (double, party, pending) = requested().await;
        double.script(VIEW, 200, r#"{"status":"passed"}"#);
        assert_eq!(party.wait(&pending).await, Err(RelyingPartyError::NoAttestation));
    }

    #[tokio::test]
    async fn refused_and_expired_are_outcomes() {
        let (double, party, pending) = requested().await;
        double.script(VIEW, 200, r#"{"status":"declined"}"#);
        assert_eq!(party.wait(&pending).await, Ok(VerifiedOutcome::Declined));
        double.script(VIEW, 200, r#"{"status":"expired"}"#);
        assert_eq!(party.wait(&pending).await, Ok(VerifiedOutcome::Expired));
        double.script(VIEW, 200, r#"{"status":"pending"}"#);
        double.clock.advance(300 + SKEW + 1);
        assert_eq!(party.wait(&pending).await, Ok(VerifiedOutcome::Expired));
    }

    #[tokio::test]
    async fn a_direct_request_is_signed_and_carries_its_certificate() {
        let (double, party) = met().await;
        let (compact, expected) = party.direct_request(&ask()).await.unwrap();
        let request: DirectRequest = message::open(&compact, &party.signer.public_key()).unwrap();
        assert_eq!((&request.nonce, request.checks), (expected.nonce(), ask().checks));
        assert_eq!(request.registration_certificate, party.certificates[0]);
        assert_eq!(request.exp, NOW.plus(direct_request::MAX_LIFE));
        let answer = json!({"attestation": attested(&double, &expected)});
        double.script_json("POST /v1/verifications/direct", &answer);
        let attestation = party
            .submit_direct("sealed".into(), expected.clone())
            .await
            .unwrap();
        assert_eq!(attestation.passed(), Some(sub(1).as_str()));
        double.clock.advance(LIFE + SKEW);
        let late = party.submit_direct("sealed".into(), expected).await;
        assert_eq!(
            late,
            Err(AttestationRefused::NotNow(message::NotNow::Expired).into())
        );
    }

    #[tokio::test]
    async fn a_purpose_without_a_certificate_cannot_be_asked_directly() {
        let (_, party) = met().await;
        let ask = Ask {
            purpose: "marketing".into(),
            ..ask()
        };
        assert_eq!(
            party.direct_request(&ask).await.err(),
            Some(RelyingPartyError::NotCertified)
        );
    }
}
