use std::sync::Arc;

use cyberid_client::MessageRefused;
use cyberid_crypto::jws::{self, InvalidJws};
use cyberid_domain::check::Check;
use cyberid_domain::field::Field;
use cyberid_protocol::message::{Message as _, NotNow};
use cyberid_protocol::registration::RegistrationCertificate;

use super::*;
use crate::CertificateRefused;
use crate::platform_double::{NOW, PlatformDouble};
use crate::testing::{certificate, key, met, release, shown, verification};

/// Reviews a verification that was altered, under a certificate that was altered.
async fn verify(
    alter: impl FnOnce(&mut VerificationRequest),
    alter_certificate: impl FnOnce(&mut RegistrationCertificate),
) -> Result<ReviewedRequest, RequestRefused> {
    let (double, holder) = met().await;
    let mut certificate = certificate(&double);
    alter_certificate(&mut certificate);
    let mut request = verification(&double, &certificate);
    let id = RequestId::Verification(request.id.clone());
    alter(&mut request);
    let compact = double.sign("request", &RequestObject::Verification(request));
    holder.review(&compact, &id, Locale::English).await
}

/// Reviews a release that was altered, under a certificate that was altered.
async fn release_review(
    alter: impl FnOnce(&mut ReleaseRequest),
    alter_certificate: impl FnOnce(&mut RegistrationCertificate),
) -> Result<ReviewedRequest, RequestRefused> {
    let (double, holder) = met().await;
    let mut certificate = certificate(&double);
    let mut request = release(&double, &certificate);
    alter_certificate(&mut certificate);
    request.registration_certificate = double.sign("registration", &certificate);
    let id = RequestId::Release(request.id.clone());
    alter(&mut request);
    let compact = double.sign("request", &RequestObject::Release(request));
    holder.review(&compact, &id, Locale::English).await
}

fn refused(why: CertificateRefused) -> Result<ReviewedRequest, RequestRefused> {
    Err(RequestRefused::Certificate(why))
}

fn same<T>(_: &mut T) {}

#[tokio::test]
async fn good_requests_can_be_shown() {
    let reviewed = verify(same, same).await.unwrap();
    assert_eq!(reviewed.id(), "ver_AAAAAAAAAAAAAAAAAAAAAA");
    let ReviewedRequest::Release(reviewed) = release_review(same, same).await.unwrap() else {
        panic!("a release")
    };
    assert!(reviewed.statement().contains("isp.example"));
}

#[tokio::test]
async fn a_request_is_the_platforms_own_and_the_one_that_was_fetched() {
    let iss = "https://id.example".to_owned();
    assert_eq!(verify(|it| it.iss = iss, same).await, Err(RequestRefused::Issuer));
    let other = "ver_BBBBBBBBBBBBBBBBBBBBBA".parse().unwrap();
    assert_eq!(
        verify(|it| it.id = other, same).await,
        Err(RequestRefused::AnotherRequest)
    );
}

#[tokio::test]
async fn a_request_is_of_this_moment() {
    let refused = |why| Err(RequestRefused::NotNow(why));
    assert_eq!(
        verify(|it| it.exp = NOW.minus(60), same).await,
        refused(NotNow::Expired)
    );
    assert_eq!(
        verify(|it| it.iat = NOW.plus(61), same).await,
        refused(NotNow::Future)
    );
    assert_eq!(
        verify(|it| it.exp = NOW.plus(MAX_LIFE + 1), same).await,
        refused(NotNow::TooLong)
    );
}

#[tokio::test]
async fn a_request_does_not_ask_for_more_than_its_certificate() {
    let more = vec![Check::RealPerson, Check::AgeOver21];
    assert_eq!(
        verify(|it| it.checks = more, same).await,
        refused(CertificateRefused::OverAsking)
    );
    let none = verify(|it| it.checks.clear(), same).await;
    assert_eq!(none, refused(CertificateRefused::OverAsking));
    let more = |it: &mut ReleaseRequest| {
        it.fields.push(Field::BirthDate);
        *it = shown(it.clone());
    };
    assert_eq!(
        release_review(more, same).await,
        refused(CertificateRefused::OverAsking)
    );
}

#[tokio::test]
async fn a_request_names_who_the_certificate_names() {
    let party = CertificateRefused::Party;
    assert_eq!(
        verify(|it| it.rp.name = "Bank".into(), same).await,
        refused(party.clone())
    );
    assert_eq!(
        verify(|it| it.rp.domain = "bank.example".into(), same).await,
        refused(party.clone())
    );
    let other = "CCCCCCCCCCCCCCCCCCCCCA".parse().unwrap();
    assert_eq!(
        verify(|it| it.rp.client_id = other, same).await,
        refused(party.clone())
    );
    let renamed = |it: &mut ReleaseRequest| {
        it.rp.name = "Bank".into();
        *it = shown(it.clone());
    };
    assert_eq!(release_review(renamed, same).await, refused(party));
}

#[tokio::test]
async fn a_request_has_the_purpose_that_the_certificate_has() {
    let other = verify(|it| it.purpose = "marketing".into(), same).await;
    assert_eq!(other, refused(CertificateRefused::Purpose));
}

#[tokio::test]
async fn a_certificate_is_of_this_moment_and_this_platform() {
    let expired = verify(same, |it| it.exp = NOW.minus(60)).await;
    assert_eq!(expired, refused(CertificateRefused::NotNow(NotNow::Expired)));
    let iss = "https://id.example".to_owned();
    let foreign = verify(same, |it| it.iss = iss).await;
    assert_eq!(foreign, refused(CertificateRefused::Issuer));
}

#[tokio::test]
async fn a_certificate_is_signed_by_the_registration_key() {
    let (double, holder) = met().await;
    let mut request = verification(&double, &certificate(&double));
    request.registration_certificate = double.sign("request", &certificate(&double));
    let id = RequestId::Verification(request.id.clone());
    let compact = double.sign("request", &RequestObject::Verification(request));
    let review = holder.review(&compact, &id, Locale::English).await;
    assert_eq!(
        review,
        refused(CertificateRefused::Message(MessageRefused::WrongRole))
    );
}

#[tokio::test]
async fn the_terms_of_a_release_are_the_registered_ones() {
    let terms: [fn(&mut ReleaseRequest); 4] = [
        |it| it.legal_basis = "interest".into(),
        |it| it.retention_days = 3650,
        |it| it.notice_uri = "https://isp.example/other".into(),
        |it| it.notice_sha256 = "AAAA".into(),
    ];
    for alter in terms {
        let altered = |it: &mut ReleaseRequest| {
            alter(it);
            *it = shown(it.clone());
        };
        assert_eq!(
            release_review(altered, same).await,
            refused(CertificateRefused::Terms)
        );
    }
    let rekeyed = |it: &mut ReleaseRequest| {
        it.enc_jkt = "attacker".into();
        *it = shown(it.clone());
    };
    assert_eq!(
        release_review(rekeyed, same).await,
        refused(CertificateRefused::EncryptionKey)
    );
    let rekeyed = release_review(same, |it| it.enc_jkt = "other".into()).await;
    assert_eq!(rekeyed, refused(CertificateRefused::EncryptionKey));
}

#[tokio::test]
async fn the_statement_says_what_the_claims_say() {
    let altered = release_review(|it| it.statement.text.push('.'), same).await;
    assert_eq!(altered, Err(RequestRefused::Statement));
    let chinese = |it: &mut ReleaseRequest| {
        it.statement = statement::render(Locale::Chinese, &Terms::from(&it.clone()));
    };
    assert_eq!(
        release_review(chinese, same).await,
        Err(RequestRefused::Statement),
        "another language"
    );
}

async fn signed(sign: impl FnOnce(&PlatformDouble, &RequestObject) -> String) -> RequestRefused {
    let (double, holder) = met().await;
    let request = verification(&double, &certificate(&double));
    let id = RequestId::Verification(request.id.clone());
    let compact = sign(&double, &RequestObject::Verification(request));
    holder.review(&compact, &id, Locale::English).await.unwrap_err()
}

#[tokio::test]
async fn a_request_is_signed_by_the_request_key_as_a_request() {
    let of_role = signed(|double, it| double.sign("attestation", it)).await;
    assert_eq!(of_role, MessageRefused::WrongRole.into());
    let unknown = signed(|_, it| it.sign(&key(50)).unwrap()).await;
    assert_eq!(unknown, MessageRefused::UnknownKey.into());
    let typ = signed(|double, it| jws::sign(&double.key("request"), "cyberid-proof+jwt", it).unwrap()).await;
    assert_eq!(typ, MessageRefused::Jws(InvalidJws::Type).into());
    let altered = signed(|double, it| {
        let good = double.sign("request", it);
        let (signed, signature) = good.rsplit_once('.').unwrap();
        let other = double.sign("request", &certificate(double));
        let foreign = other.rsplit_once('.').unwrap().1;
        assert_ne!(signature, foreign);
        format!("{signed}.{foreign}")
    });
    assert_eq!(altered.await, MessageRefused::Jws(InvalidJws::Signature).into());
}

async fn fetched(
    double: &Arc<PlatformDouble>,
    holder: &Holder,
    request: &str,
) -> Result<ReviewedRequest, HolderError> {
    let good = double.sign(
        "request",
        &RequestObject::Verification(verification(double, &certificate(double))),
    );
    double.script("GET /v1/requests/ver_AAAAAAAAAAAAAAAAAAAAAA", 200, good);
    holder.fetch_request(request, Locale::English).await
}

#[tokio::test]
async fn a_request_is_fetched_by_its_address_or_its_id() {
    let (double, holder) = met().await;
    let address = format!("{}/v1/requests/ver_AAAAAAAAAAAAAAAAAAAAAA", double.issuer);
    for request in [address.as_str(), "ver_AAAAAAAAAAAAAAAAAAAAAA"] {
        assert!(fetched(&double, &holder, request).await.is_ok(), "{request}");
    }
    assert_eq!(
        double
            .received("GET /v1/requests/ver_AAAAAAAAAAAAAAAAAAAAAA?locale=en")
            .len(),
        2
    );
}

#[tokio::test]
async fn an_address_elsewhere_is_refused_before_anything_is_called() {
    let (double, holder) = met().await;
    for request in [
        "https://evil.example/v1/requests/ver_AAAAAAAAAAAAAAAAAAAAAA",
        "ver_AAAAAAAAAAAAAAAAAAAAAA/../../me",
        "",
    ] {
        let refused = fetched(&double, &holder, request).await;
        assert_eq!(refused, Err(RequestRefused::Address.into()), "{request}");
    }
    assert!(double.received("GET /v1/requests").is_empty());
}

#[tokio::test]
async fn a_request_shows_its_own_comparison_code() {
    let ReviewedRequest::Verification(reviewed) = verify(same, same).await.unwrap() else {
        panic!("a verification")
    };
    assert_eq!(reviewed.comparison_code(), "3368");
    let other = verify(|it| it.comparison_code = "3369".into(), same).await;
    assert_eq!(other, Err(RequestRefused::ComparisonCode));
    let ReviewedRequest::Release(reviewed) = release_review(same, same).await.unwrap() else {
        panic!("a release")
    };
    let request = reviewed.request();
    let code = comparison::code(&request.rp.client_id, request.id.as_str(), &request.nonce);
    assert_eq!(reviewed.comparison_code(), code);
}
