//! What the source tells of a person, and every way in which it is not believed.

use cyberid_domain::age::Threshold;
use cyberid_domain::clock::Clock as _;
use cyberid_domain::device::AlertKind;
use cyberid_domain::document::DocumentType;
use cyberid_domain::happening::Happening;
use cyberid_domain::id::Nonce;
use cyberid_domain::personal::Personal;
use cyberid_domain::rng::SystemRng;
use cyberid_domain::subject::{LifeReason, SubjectStatus};
use cyberid_protocol::enrolment::Me;
use cyberid_protocol::leaf::LeafKind;
use cyberid_protocol::message::Message as _;
use cyberid_protocol::notice::{NoticedDocument, SourceNotice};
use cyberid_storage::device::Devices as _;
use cyberid_storage::life::{LifeChange, Turn};
use cyberid_storage::subject::Subjects as _;
use http::StatusCode;
use serde_json::json;

use super::applicant::Applicant;
use super::holder_peer::Fault;
use super::platform::{ISSUER, TestPlatform};
use super::source_peer::{handle, signing_key};
use crate::source_circuit::{MOST_FAILURES, REST};
use crate::{NoticeError, SourceFailure};

async fn enrolled() -> (TestPlatform, Applicant) {
    let test = TestPlatform::start_on_disk(Threshold::Fourteen).await;
    let applicant = Applicant::new(1);
    assert_eq!(test.enrol(&applicant).await.status, StatusCode::CREATED);
    (test, applicant)
}

pub(super) fn notice(test: &TestPlatform, number: &str, seq: u64, happening: Happening) -> SourceNotice {
    SourceNotice {
        aud: ISSUER.into(),
        jti: Nonce::random(&SystemRng),
        seq,
        person: handle(number, ISSUER),
        happening,
        at: test.clock.now(),
        document_sealed: None,
        iat: test.clock.now(),
    }
}

async fn standing(test: &TestPlatform, applicant: &Applicant) -> (SubjectStatus, Vec<LifeReason>) {
    let me: Me = test.me(Some(&applicant.jkt())).await.json();
    (me.status, me.suspended_for)
}

/// A round of the source telling this; how many notices were taken, if it was believed.
async fn round(test: &TestPlatform, notices: &[&SourceNotice]) -> Option<usize> {
    let signed = notices
        .iter()
        .map(|notice| notice.sign(&*test.source.signing).unwrap());
    test.source.tells(&signed.collect::<Vec<_>>());
    let taken = test.issuance.take_notices().await.ok();
    test.clock.advance(31);
    taken
}

#[tokio::test]
async fn an_invalid_document_suspends_and_a_death_ends_and_each_is_taken_once() {
    let (test, applicant) = enrolled().await;
    let lost = notice(&test, &applicant.number, 3, Happening::DocumentLost);
    assert_eq!(round(&test, &[&lost]).await, Some(1));
    let suspended = (SubjectStatus::Suspended, vec![LifeReason::Document]);
    assert_eq!(standing(&test, &applicant).await, suspended);
    assert_eq!(
        round(&test, &[&notice(&test, &applicant.number, 3, Happening::Died)]).await,
        None
    );
    let replayed = SourceNotice {
        seq: 4,
        iat: test.clock.now(),
        happening: Happening::Died,
        ..lost
    };
    assert_eq!(round(&test, &[&replayed]).await, None);
    assert_eq!(standing(&test, &applicant).await, suspended);
    let died = notice(&test, &applicant.number, 9, Happening::Died);
    assert_eq!(round(&test, &[&died]).await, Some(1));
    assert_eq!(standing(&test, &applicant).await.0, SubjectStatus::Deceased);
}

#[tokio::test]
async fn what_cannot_be_believed_has_no_effect_and_takes_nothing_with_it() {
    let (test, applicant) = enrolled().await;
    let died = |seq| notice(&test, &applicant.number, seq, Happening::Died);
    let elsewhere = SourceNotice {
        aud: "https://another.example".into(),
        ..died(2)
    };
    let old = SourceNotice {
        iat: test.clock.now().minus(121),
        ..died(2)
    };
    for wrong in [&elsewhere, &old] {
        assert_eq!(round(&test, &[&died(1), wrong]).await, None);
    }
    let (one, two) = (died(1), died(2));
    assert_eq!(round(&test, &[&two, &one]).await, None, "out of order");
    test.source.tells(&[died(1).sign(&signing_key()).unwrap()]);
    assert!(test.issuance.take_notices().await.is_err(), "another key");
    assert_eq!(standing(&test, &applicant).await.0, SubjectStatus::Active);
}

/// An answer that cannot be believed is none: a source that goes on giving such is left alone for a while.
#[tokio::test]
async fn what_cannot_be_believed_opens_the_circuit() {
    let (test, applicant) = enrolled().await;
    let died = notice(&test, &applicant.number, 1, Happening::Died);
    test.source.tells(&[died.sign(&signing_key()).unwrap()]);
    for _ in 0..MOST_FAILURES {
        let unbelieved = test.issuance.take_notices().await;
        assert!(matches!(
            unbelieved,
            Err(NoticeError::Source(SourceFailure::NotSigned))
        ));
    }
    test.source.tells(&[died.sign(&*test.source.signing).unwrap()]);
    let resting = test.issuance.take_notices().await;
    assert!(matches!(
        resting,
        Err(NoticeError::Source(SourceFailure::Resting { .. }))
    ));
    test.clock.advance(REST);
    assert_eq!(test.issuance.take_notices().await.unwrap(), 1);
}

#[tokio::test]
async fn a_notice_about_nobody_waits_for_an_enrolment_and_then_for_nobody() {
    let (test, applicant) = enrolled().await;
    let stranger = notice(&test, "nobody's number", 1, Happening::Died);
    let died = notice(&test, &applicant.number, 2, Happening::Died);
    assert_eq!(round(&test, &[&stranger, &died]).await, Some(0));
    assert_eq!(standing(&test, &applicant).await.0, SubjectStatus::Active);
    test.clock.advance(120);
    let now = |notice: SourceNotice| SourceNotice {
        iat: test.clock.now(),
        ..notice
    };
    assert_eq!(round(&test, &[&now(stranger), &now(died)]).await, Some(2));
    assert_eq!(standing(&test, &applicant).await.0, SubjectStatus::Deceased);
}

/// The process died between the effect and the record of it, and the holder has proved a document since.
#[tokio::test]
async fn what_a_notice_did_before_a_crash_is_told_and_not_done_again() {
    let (test, applicant) = enrolled().await;
    let lost = notice(&test, &applicant.number, 1, Happening::DocumentLost);
    let subject = test
        .db
        .by_device(&applicant.jkt())
        .await
        .unwrap()
        .unwrap()
        .subject;
    let done = |leaf, turn| LifeChange {
        subject,
        turn,
        at: test.clock.now(),
        leaf,
    };
    let (kind, reason) = (LeafKind::IdentitySuspended, LifeReason::Document);
    let leaf = test.issuance.life_leaf(kind, &subject, reason, lost.jti.as_str());
    let leaf = Some(leaf.await.unwrap());
    let suspended = done(leaf, Turn::Suspend(LifeReason::Document));
    test.db.turn(&suspended).await.unwrap();
    let lifted = done(None, Turn::Reinstate(LifeReason::Document));
    test.db.turn(&lifted).await.unwrap();

    assert_eq!(round(&test, &[&lost]).await, Some(1));
    assert_eq!(standing(&test, &applicant).await, (SubjectStatus::Active, vec![]));
    let alerts = test.db.alerts(&subject).await.unwrap();
    let kinds: Vec<_> = alerts.iter().map(|alert| alert.kind).collect();
    assert_eq!(kinds, [AlertKind::DocumentInvalid]);
}

/// A key holder keeps no new version of a record that it has not heard to be there for good.
#[tokio::test]
async fn a_new_document_waits_for_an_enrolment_that_is_not_confirmed_yet() {
    let test = TestPlatform::start_on_disk(Threshold::Fourteen).await;
    test.custodian.fail("/v1/settlements", Fault::Refused, 1);
    let applicant = Applicant::new(1);
    assert_eq!(test.enrol(&applicant).await.status, StatusCode::CREATED);
    assert_eq!(test.custodian.faults_left(), 0);
    let renewed = notice(&test, &applicant.number, 1, Happening::DocumentRenewed);
    assert_eq!(round(&test, &[&renewed]).await, Some(0));
    test.issuance.housekeep().await.unwrap();
    assert_eq!(round(&test, &[&renewed]).await, Some(1));
}

/// Nobody has shown that the holder of an expired identifier is there: a new document alone does not bring it back.
#[tokio::test]
async fn a_new_document_is_the_holders_and_does_not_bring_back_what_has_expired() {
    let (test, mut applicant) = enrolled().await;
    test.clock.advance(200 * 86_400);
    test.issuance.housekeep().await.unwrap();
    applicant.valid_until = "2044-05-01".into();
    let body = applicant.body("");
    let stated = |member: &str| Personal::new(body["document"][member].as_str().unwrap().to_owned());
    let document = NoticedDocument {
        kind: DocumentType::ResidentIdCard,
        name: stated("name"),
        number: stated("number"),
        valid_until: stated("valid_until"),
        birth_date: Personal::new("1990-05-17".into()),
    };
    let renewed = notice(&test, &applicant.number, 1, Happening::DocumentRenewed);
    test.source.tells_of(renewed, document);
    assert_eq!(test.issuance.take_notices().await.unwrap(), 1);
    assert_eq!(standing(&test, &applicant).await.0, SubjectStatus::Expired);
    let proof = json!({"document": body["document"], "evidence": body["evidence"]});
    let renewal = Some(json!({ "proof": proof }));
    let answer = test
        .as_holder("POST", "/v1/me/renewal", &applicant.jkt(), renewal)
        .await;
    assert_eq!(answer.status, StatusCode::OK, "with the new document");
    assert_eq!(standing(&test, &applicant).await.0, SubjectStatus::Active);
}

/// A source whose clock runs ahead has nobody waited for.
#[tokio::test]
async fn what_happens_to_nobody_in_the_future_holds_up_no_other() {
    let (test, applicant) = enrolled().await;
    let stranger = SourceNotice {
        at: test.clock.now().plus(86_400),
        ..notice(&test, "nobody's number", 1, Happening::Died)
    };
    let died = notice(&test, &applicant.number, 2, Happening::Died);
    assert_eq!(round(&test, &[&stranger, &died]).await, Some(2));
    assert_eq!(standing(&test, &applicant).await.0, SubjectStatus::Deceased);
}
