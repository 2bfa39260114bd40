//! The direct proof: the relying party's app asks the holder's app, and the platform is called once, by the relying
//! party.

use cyberid_crypto::jws::InvalidJws;
use cyberid_crypto::{PublicKey, base64url, json};
use cyberid_domain::UnixTime;
use cyberid_protocol::comparison;
use cyberid_protocol::direct_request::{self, DirectRequest};
use cyberid_protocol::message::{check_life, open};
use cyberid_protocol::request::RequestingParty;

use crate::answer::Question;
use crate::certified::Certified;
use crate::{Factors, Holder, HolderError, RequestRefused};

/// A direct request that can be shown, and then answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewedDirect {
    request: DirectRequest,
    party: RequestingParty,
}

impl ReviewedDirect {
    /// What is asked.
    pub fn request(&self) -> &DirectRequest {
        &self.request
    }

    /// The four digits that the relying party's app shows too.
    pub fn comparison_code(&self) -> String {
        comparison::code(&self.request.iss, "", &self.request.nonce)
    }

    /// Who asks, as the platform names them.
    pub fn party(&self) -> &RequestingParty {
        &self.party
    }
}

impl Holder {
    /// Reviews a direct request: the relying party signed it, and the platform vouches for that relying party.
    pub async fn review_direct(&self, compact: &str) -> Result<ReviewedDirect, HolderError> {
        Ok(self.reviewed_direct(compact).await?)
    }

    async fn reviewed_direct(&self, compact: &str) -> Result<ReviewedDirect, RequestRefused> {
        let request = current(compact, self.now())?;
        let certificate = &request.registration_certificate;
        let certified = Certified::open(&self.platform, certificate, self.now()).await?;
        covered(request, &certified)
    }

    /// The sealed proof to hand to the relying party's app, which cannot read it.
    pub async fn direct_proof<'a>(
        &self,
        reviewed: &ReviewedDirect,
        factors: impl Into<Factors<'a>>,
    ) -> Result<String, HolderError> {
        let request = &reviewed.request;
        let question = Question {
            rp: &request.iss,
            request: None,
            purpose: &request.purpose,
            checks: &request.checks,
            factors: &request.factors,
            nonce: &request.nonce,
        };
        self.seal_proof(&question, factors.into()).await
    }
}

/// Reviews a direct request offline: with the platform's issuer, its keys of role `registration`, and the certificate
/// inside. Whether the relying party was suspended since it was certified, only the platform knows: it refuses the proof.
pub fn review_direct_offline(
    issuer: &str,
    registration_keys: &[PublicKey],
    compact: &str,
    now: UnixTime,
) -> Result<ReviewedDirect, RequestRefused> {
    let request = current(compact, now)?;
    let certificate = &request.registration_certificate;
    let certified = Certified::offline(issuer, registration_keys, certificate, now)?;
    covered(request, &certified)
}

fn current(compact: &str, now: UnixTime) -> Result<DirectRequest, RequestRefused> {
    let request = signed_by_itself(compact)?;
    check_life(request.iat, request.exp, direct_request::MAX_LIFE, now)?;
    Ok(request)
}

fn covered(request: DirectRequest, certified: &Certified) -> Result<ReviewedDirect, RequestRefused> {
    certified.covers_signer(&request.iss, &request.jwk.thumbprint())?;
    certified.covers_checks(&request.purpose, &request.checks)?;
    let party = certified.party();
    Ok(ReviewedDirect { request, party })
}

/// The claims, signed by the key that they name; whether that key is anybody's is for the certificate to say.
fn signed_by_itself(compact: &str) -> Result<DirectRequest, InvalidJws> {
    let payload = compact.split('.').nth(1).and_then(base64url::decode);
    let claimed: DirectRequest =
        json::from_slice(&payload.ok_or(InvalidJws::Malformed)?).map_err(|_| InvalidJws::Claims)?;
    open(compact, &claimed.jwk)
}

#[cfg(test)]
mod tests {
    use cyberid_client::MessageRefused;
    use cyberid_crypto::{Sign as _, SigningKey};
    use cyberid_domain::check::{Check, Factor};
    use cyberid_domain::pin::Pin;
    use cyberid_protocol::message::{Message as _, NotNow};
    use cyberid_protocol::proof::Proof;
    use cyberid_protocol::sealed::SealedProof;

    use super::*;
    use crate::CertificateRefused;
    use crate::platform_double::{NOW, PlatformDouble};
    use crate::testing::{certificate, client_id, key, met, opened, party};

    fn asked(double: &PlatformDouble) -> DirectRequest {
        DirectRequest {
            iss: client_id(),
            purpose: "register".into(),
            checks: vec![Check::AgeOver18],
            factors: vec![Factor::Pin],
            nonce: "BBBBBBBBBBBBBBBBBBBBBA".parse().unwrap(),
            registration_certificate: double.sign("registration", &certificate(double)),
            jwk: key(21).public_key(),
            iat: NOW,
            exp: NOW.plus(300),
        }
    }

    /// Reviewed with the platform and without it, which comes to the same.
    async fn review(
        signer: &SigningKey,
        alter: impl FnOnce(&PlatformDouble, &mut DirectRequest),
    ) -> Result<ReviewedDirect, HolderError> {
        let (double, holder) = met().await;
        let mut request = asked(&double);
        alter(&double, &mut request);
        let compact = request.sign(signer).unwrap();
        let reviewed = holder.review_direct(&compact).await;
        let keys = [key(200).public_key(), double.key("registration").public_key()];
        let offline = review_direct_offline(&double.issuer, &keys, &compact, NOW);
        assert_eq!(offline.map_err(HolderError::from), reviewed);
        reviewed
    }

    fn refused(why: CertificateRefused) -> Result<ReviewedDirect, HolderError> {
        Err(RequestRefused::Certificate(why).into())
    }

    #[tokio::test]
    async fn a_direct_proof_answers_no_request_of_the_platform() {
        let (double, holder) = met().await;
        let compact = asked(&double).sign(&key(21)).unwrap();
        let reviewed = holder.review_direct(&compact).await.unwrap();
        assert_eq!(*reviewed.party(), party());
        assert_eq!(reviewed.comparison_code(), "5334");
        let pin = Pin::entered("52719406".into()).unwrap();
        let sealed = holder.direct_proof(&reviewed, Some(&pin)).await.unwrap();
        let sealed = SealedProof::read(&opened(&double, &sealed)).unwrap();
        let proof: Proof = open(&sealed.proof, &holder.public_key()).unwrap();
        assert_eq!(
            (proof.request, proof.rp, proof.nonce),
            (None, client_id(), asked(&double).nonce)
        );
        assert_eq!(
            holder.direct_proof(&reviewed, None).await,
            Err(HolderError::PinNeeded)
        );
    }

    #[tokio::test]
    async fn a_key_that_is_not_registered_asks_nothing() {
        let own = key(22);
        let other = review(&own, |_, it| it.jwk = own.public_key()).await;
        assert_eq!(other, refused(CertificateRefused::SigningKey));
        let named = review(&own, |_, _| {}).await;
        assert_eq!(named, Err(RequestRefused::Direct(InvalidJws::Key).into()));
    }

    #[tokio::test]
    async fn a_certificate_of_another_relying_party_does_not_serve() {
        let other = review(&key(21), |_, it| {
            it.iss = "CCCCCCCCCCCCCCCCCCCCCA".parse().unwrap();
        })
        .await;
        assert_eq!(other, refused(CertificateRefused::Party));
    }

    #[tokio::test]
    async fn a_direct_request_stays_within_its_certificate() {
        let more = review(&key(21), |_, it| it.checks.push(Check::AgeOver21)).await;
        assert_eq!(more, refused(CertificateRefused::OverAsking));
        let other = review(&key(21), |_, it| it.purpose = "marketing".into()).await;
        assert_eq!(other, refused(CertificateRefused::Purpose));
    }

    #[tokio::test]
    async fn a_direct_request_and_its_certificate_are_of_this_moment() {
        let late = review(&key(21), |_, it| it.exp = NOW.plus(301)).await;
        assert_eq!(late, Err(RequestRefused::NotNow(NotNow::TooLong).into()));
        let expired = review(&key(21), |double, it| {
            let mut certificate = certificate(double);
            certificate.exp = NOW.minus(60);
            it.registration_certificate = double.sign("registration", &certificate);
        })
        .await;
        assert_eq!(expired, refused(CertificateRefused::NotNow(NotNow::Expired)));
    }

    #[tokio::test]
    async fn a_certificate_of_another_platform_is_refused() {
        let foreign = review(&key(21), |double, it| {
            let mut certificate = certificate(double);
            certificate.iss = "https://other.example".into();
            it.registration_certificate = double.sign("registration", &certificate);
        })
        .await;
        assert_eq!(foreign, refused(CertificateRefused::Issuer));
    }

    #[tokio::test]
    async fn offline_the_registration_key_and_the_certificate_are_enough() {
        let good = review(&key(21), |_, _| {}).await.unwrap();
        assert_eq!(*good.party(), party());
        let nobody = review_direct_offline("https://id.example", &[], "a.b.c", NOW);
        assert!(matches!(nobody, Err(RequestRefused::Direct(_))));
        let (double, _) = met().await;
        let compact = asked(&double).sign(&key(21)).unwrap();
        // A key of another role is not among the keys, and the moment counts.
        let other = [double.key("attestation").public_key()];
        let unknown = review_direct_offline(&double.issuer, &other, &compact, NOW);
        let unknown_key = CertificateRefused::Message(MessageRefused::UnknownKey);
        assert_eq!(unknown, Err(RequestRefused::Certificate(unknown_key)));
        let keys = [double.key("registration").public_key()];
        let late = review_direct_offline(&double.issuer, &keys, &compact, NOW.plus(360));
        assert_eq!(late, Err(RequestRefused::NotNow(NotNow::Expired)));
    }

    #[tokio::test]
    async fn a_certificate_that_the_relying_party_made_itself_is_refused() {
        let forged = review(&key(21), |double, it| {
            it.registration_certificate = certificate(double).sign(&key(21)).unwrap();
        })
        .await;
        assert_eq!(
            forged,
            refused(CertificateRefused::Message(MessageRefused::UnknownKey))
        );
    }
}
