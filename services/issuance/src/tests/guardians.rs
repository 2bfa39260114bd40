//! A minor enrols with the consent of a guardian.

use cyberid_crypto::{Sign as _, SigningKey};
use cyberid_domain::clock::Clock as _;
use cyberid_domain::clock::SKEW;
use cyberid_domain::id::Nonce;
use cyberid_domain::rng::SystemRng;
use cyberid_domain::subject::SubjectStatus;
use cyberid_protocol::guardian_consent::{GuardianConsent, MAX_LIFE};
use cyberid_protocol::message::Message as _;
use cyberid_protocol::problem::ProblemType;
use cyberid_storage::subject::Subjects as _;
use http::StatusCode;

use super::applicant::Applicant;
use super::platform::{Answer, ISSUER, TestPlatform};
use super::registry::{Fault, Method};
use super::source_peer::signing_key;

type Alter = fn(&mut GuardianConsent);

const CHILD: &str = "2018-03-01";
const ADULT: &str = "1990-05-17";

fn consent(test: &TestPlatform, ward: &Applicant) -> GuardianConsent {
    GuardianConsent {
        aud: ISSUER.into(),
        ward_jkt: ward.jkt(),
        iat: test.clock.now(),
        exp: test.clock.now().plus(MAX_LIFE),
        jti: Nonce::random(&SystemRng),
    }
}

/// An adult who is enrolled; whoever enrols next is a child.
async fn with_guardian() -> (TestPlatform, Applicant) {
    let test = TestPlatform::start().await;
    let guardian = Applicant::new(1);
    assert_eq!(test.enrol(&guardian).await.status, StatusCode::CREATED);
    test.source.born_on(CHILD);
    (test, guardian)
}

fn assert_refused(answer: &Answer, why: &str) {
    assert_eq!(answer.problem(), ProblemType::EnrolmentRefused, "{why}");
}

#[tokio::test]
async fn a_child_whose_guardian_agreed_has_a_guardian() {
    let (test, guardian) = with_guardian().await;
    let child = Applicant::new(2);
    let consent = consent(&test, &child).sign(&guardian.device).unwrap();
    let answer = test.enrol_ward(&child, &consent).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    let subject = async |jkt: &str| test.registry.by_device(jkt).await.unwrap().unwrap().subject;
    let kept = test.registry.guardianships().remove(0);
    assert_eq!(kept.ward, subject(&child.jkt()).await);
    assert_eq!(kept.guardian, subject(&guardian.jkt()).await);
    assert_eq!(kept.since, test.clock.now());
}

#[tokio::test]
async fn a_child_does_not_enrol_without_a_guardian() {
    let (test, _) = with_guardian().await;
    assert_refused(&test.enrol(&Applicant::new(2)).await, "alone");
    assert_eq!(test.registry.guardianships(), []);
    test.settle_down().await;
    assert_eq!(test.registry.subjects().len(), 1);
}

#[tokio::test]
async fn a_consent_for_something_else_is_the_one_refusal() {
    let (test, guardian) = with_guardian().await;
    let child = Applicant::new(2);
    let alterations: [(&str, Alter); 6] = [
        ("another platform", |it| it.aud = "https://other.example".into()),
        ("another child", |it| it.ward_jkt = Applicant::new(3).jkt()),
        ("too long a life", |it| it.exp = it.exp.plus(1)),
        ("over", |it| {
            it.exp = it.iat.minus(SKEW);
            it.iat = it.iat.minus(SKEW + 1);
        }),
        ("of the future", |it| {
            it.iat = it.iat.plus(SKEW + 1);
            it.exp = it.iat.plus(1);
        }),
        ("ends before it begins", |it| it.exp = it.iat.minus(1)),
    ];
    for (why, alter) in alterations {
        let mut consent = consent(&test, &child);
        alter(&mut consent);
        let signed = consent.sign(&guardian.device).unwrap();
        assert_refused(&test.enrol_ward(&child, &signed).await, why);
    }
    for garbage in ["", "a.b.c", &child.proof(&test.nonce().await, test.clock.now())] {
        assert_refused(&test.enrol_ward(&child, garbage).await, garbage);
    }
    assert_eq!(test.registry.guardianships(), []);
}

#[tokio::test]
async fn only_an_active_adult_on_their_own_device_is_a_guardian() {
    let (test, guardian) = with_guardian().await;
    let (child, other) = (Applicant::new(2), Applicant::new(3));
    test.source.born_on("2010-03-01");
    assert_eq!(test.enrol(&other).await.status, StatusCode::CREATED);
    test.source.born_on(CHILD);
    let refused = async |key: &SigningKey, why: &str| {
        let signed = consent(&test, &child).sign(key).unwrap();
        assert_refused(&test.enrol_ward(&child, &signed).await, why);
    };
    refused(&other.device, "a child").await;
    refused(&signing_key(), "nobody").await;
    refused(&child.device, "themselves").await;
    let signed = consent(&test, &child).sign(&signing_key()).unwrap();
    let (_, forged) = signed.split_once('.').unwrap();
    let genuine = consent(&test, &child).sign(&guardian.device).unwrap();
    let (header, _) = genuine.split_once('.').unwrap();
    let forged = format!("{header}.{forged}");
    assert_refused(&test.enrol_ward(&child, &forged).await, "signed by another");
    let jkt = guardian.device.public_key().thumbprint();
    let subject = test.registry.by_device(&jkt).await.unwrap().unwrap().subject;
    for status in [SubjectStatus::Suspended, SubjectStatus::Cancelled] {
        test.registry.set_status(&subject, status).await.unwrap();
        refused(&guardian.device, "not active").await;
    }
    assert_eq!(test.registry.guardianships(), []);
}

#[tokio::test]
async fn an_adult_has_no_guardian() {
    let (test, guardian) = with_guardian().await;
    test.source.born_on(ADULT);
    let adult = Applicant::new(2);
    let consent = consent(&test, &adult).sign(&guardian.device).unwrap();
    assert_refused(&test.enrol_ward(&adult, &consent).await, "an adult");
}

#[tokio::test]
async fn a_consent_is_taken_once_and_not_before_it_has_an_effect() {
    let (test, guardian) = with_guardian().await;
    let mut child = Applicant::new(2);
    let consent = consent(&test, &child).sign(&guardian.device).unwrap();
    child.evidence = "false".into();
    assert_refused(&test.enrol_ward(&child, &consent).await, "the evidence is wrong");
    child.evidence = "true".into();
    assert_eq!(
        test.enrol_ward(&child, &consent).await.status,
        StatusCode::CREATED
    );
    // The same key, as if its first enrolment had never been: the consent is used up all the same.
    test.registry.take_subject_of(&child.jkt());
    let again = Applicant {
        device: child.device,
        ..Applicant::new(4)
    };
    assert_refused(&test.enrol_ward(&again, &consent).await, "used");
    assert_eq!(test.registry.guardianships().len(), 1);
    let fresh = self::consent(&test, &again).sign(&guardian.device).unwrap();
    assert_eq!(test.enrol_ward(&again, &fresh).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn an_enrolment_that_fails_leaves_no_guardianship() {
    let (test, guardian) = with_guardian().await;
    let child = Applicant::new(2);
    let consent = consent(&test, &child).sign(&guardian.device).unwrap();
    test.registry.fail(Method::Commit, Fault::NotStored);
    let answer = test.enrol_ward(&child, &consent).await;
    assert_eq!(answer.problem(), ProblemType::Unavailable);
    test.settle_down().await;
    assert_eq!(test.registry.guardianships(), []);
}
