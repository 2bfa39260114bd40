//! Minors: nobody under the age that law sets enrols alone, a guardianship ends, and birthdays are reached once.

use cyberid_domain::age::Threshold;
use cyberid_domain::clock::Clock as _;
use cyberid_domain::clock::DAY;
use cyberid_domain::id::Nonce;
use cyberid_domain::rng::SystemRng;
use cyberid_domain::subject::SubjectStatus;
use cyberid_protocol::enrolment::Me;
use cyberid_protocol::guardian_consent::{GuardianConsent, MAX_LIFE};
use cyberid_protocol::message::Message as _;
use cyberid_protocol::problem::ProblemType;
use cyberid_storage::guardianship::Guardianships as _;
use cyberid_storage::subject::Subjects as _;
use http::StatusCode;
use serde_json::json;

use super::applicant::Applicant;
use super::platform::{Answer, ISSUER, START, TestPlatform};

fn consent(test: &TestPlatform, guardian: &Applicant, ward: &Applicant) -> String {
    let iat = test.clock.now();
    let consent = GuardianConsent {
        aud: ISSUER.into(),
        ward_jkt: ward.jkt(),
        iat,
        exp: iat.plus(MAX_LIFE),
        jti: Nonce::random(&SystemRng),
    };
    consent.sign(&guardian.device).unwrap()
}

/// An adult who is enrolled.
async fn with_guardian(until: Threshold) -> (TestPlatform, Applicant) {
    let test = TestPlatform::start_on_disk(until).await;
    let guardian = Applicant::new(1);
    assert_eq!(test.enrol(&guardian).await.status, StatusCode::CREATED);
    (test, guardian)
}

async fn ages(test: &TestPlatform, person: &Applicant) -> Vec<u8> {
    test.me(Some(&person.jkt())).await.json::<Me>().age_over
}

async fn subject(test: &TestPlatform, person: &Applicant) -> cyberid_domain::id::SubjectId {
    let subject = test.db.by_device(&person.jkt()).await.unwrap();
    subject.unwrap().subject
}

#[tokio::test]
async fn nobody_enrols_without_a_guardian_before_the_birthday_that_law_sets() {
    // The start is on 2026-11-23 in Beijing: who was born on that day has their birthday.
    for (until, young, old) in [
        (Threshold::Fourteen, "2012-11-24", "2012-11-23"),
        (Threshold::Eighteen, "2008-11-24", "2008-11-23"),
    ] {
        let (test, guardian) = with_guardian(until).await;
        let (child, grown) = (Applicant::new(2), Applicant::new(3));
        test.source.born_on(young);
        let alone = test.enrol(&child).await;
        assert_eq!(alone.problem(), ProblemType::EnrolmentRefused);
        assert!(test.db.by_device(&child.jkt()).await.unwrap().is_none());
        let agreed = consent(&test, &guardian, &child);
        let answer = test.enrol_ward(&child, &agreed).await;
        assert_eq!(answer.status, StatusCode::CREATED);
        assert!(test.db.has_guardian(&subject(&test, &child).await).await.unwrap());
        test.source.born_on(old);
        assert_eq!(test.enrol(&grown).await.status, StatusCode::CREATED);
    }
}

#[tokio::test]
async fn the_birthday_is_the_day_in_beijing_to_the_second() {
    let (test, _) = with_guardian(Threshold::Fourteen).await;
    test.source.born_on("2012-11-24");
    let midnight = START.plus(8 * 3_600).day_start().plus(DAY).minus(8 * 3_600);
    test.clock.advance(midnight.since(START) - 1);
    let (early, late) = (Applicant::new(2), Applicant::new(3));
    assert_eq!(test.enrol(&early).await.problem(), ProblemType::EnrolmentRefused);
    test.clock.advance(1);
    assert_eq!(test.enrol(&late).await.status, StatusCode::CREATED);
}

/// In a common year a birthday on 29 February is 1 March.
#[tokio::test]
async fn a_leap_day_child_grows_up_on_the_first_of_march() {
    let (test, guardian) = with_guardian(Threshold::Eighteen).await;
    test.source.born_on("2012-02-29");
    let child = Applicant::new(2);
    let agreed = consent(&test, &guardian, &child);
    assert_eq!(test.enrol_ward(&child, &agreed).await.status, StatusCode::CREATED);
    let guardian = subject(&test, &guardian).await;
    assert_eq!(ages(&test, &child).await, [14]);
    // 16 in the leap year 2028, on the day itself; 18 in 2030, on 1 March.
    for (day, reached, wards) in [
        ("2028-02-28", vec![14], 1),
        ("2028-02-29", vec![14, 16], 1),
        ("2030-02-28", vec![14, 16], 1),
        ("2030-03-01", vec![14, 16, 18], 0),
    ] {
        let start = crate::calendar::end_of(crate::calendar::read(day).unwrap())
            .unwrap()
            .minus(DAY);
        test.clock.advance(start.since(test.clock.now()));
        test.issuance.housekeep().await.unwrap();
        assert_eq!(ages(&test, &child).await, reached, "{day}");
        assert_eq!(test.db.wards(&guardian).await.unwrap().len(), wards, "{day}");
    }
}

/// Two processes over one file, each of which is down for a while, and stops anywhere.
#[tokio::test]
async fn each_birthday_is_reached_once_by_two_processes() {
    let (test, guardian) = with_guardian(Threshold::Eighteen).await;
    test.source.born_on("2012-11-26");
    let children: Vec<Applicant> = (2..=5).map(Applicant::new).collect();
    for child in &children {
        let agreed = consent(&test, &guardian, child);
        assert_eq!(test.enrol_ward(child, &agreed).await.status, StatusCode::CREATED);
    }
    test.issuance.housekeep().await.unwrap();
    let other = test.another_on_disk(Threshold::Eighteen);
    test.clock.advance(2 * DAY);
    // The first is cut off wherever it is when the second one begins.
    let cut = std::sync::Arc::clone(&test.issuance);
    let cut = tokio::spawn(async move { cut.housekeep().await });
    tokio::task::yield_now().await;
    cut.abort();
    for child in &children {
        assert_eq!(ages(&test, child).await, Vec::<u8>::new());
    }
    test.clock.advance(DAY);
    let (one, two) = tokio::join!(test.issuance.housekeep(), other.housekeep());
    one.and(two).unwrap();
    for child in &children {
        assert_eq!(ages(&test, child).await, [14]);
    }
    let day = test.db.last_age_day().await.unwrap();
    for _ in 0..2 {
        other.housekeep().await.unwrap();
    }
    assert_eq!(test.db.last_age_day().await.unwrap(), day);
    // Nothing is left of the tags: the day's work done again finds nobody.
    let tags: Vec<_> = Vec::new();
    assert_eq!(test.db.reach_ages(&tags, day.unwrap()).await.unwrap(), 0);
}

async fn appoint(test: &TestPlatform, ward: &Applicant, consent: &str) -> Answer {
    let body = json!({"guardian_consent": consent});
    test.as_holder("POST", "/v1/me/guardians", &ward.jkt(), Some(body))
        .await
}

#[tokio::test]
async fn a_minor_whose_guardian_is_gone_names_another_and_nobody_an_easier_one() {
    let (test, guardian) = with_guardian(Threshold::Eighteen).await;
    let aunt = Applicant::new(2);
    assert_eq!(test.enrol(&aunt).await.status, StatusCode::CREATED);
    test.source.born_on("2015-01-01");
    let child = Applicant::new(3);
    let agreed = consent(&test, &guardian, &child);
    assert_eq!(test.enrol_ward(&child, &agreed).await.status, StatusCode::CREATED);
    let early = consent(&test, &aunt, &child);
    let refused = appoint(&test, &child, &early).await;
    assert_eq!(
        refused.problem(),
        ProblemType::EnrolmentRefused,
        "there is a guardian"
    );

    // The guardian dies: from that moment there is none.
    let gone = subject(&test, &guardian).await;
    assert!(test.db.set_status(&gone, SubjectStatus::Deceased).await.unwrap());
    assert!(!test.db.has_guardian(&subject(&test, &child).await).await.unwrap());
    let strangers = appoint(&test, &child, &consent(&test, &child, &child)).await;
    assert_eq!(strangers.problem(), ProblemType::EnrolmentRefused, "themselves");
    let deads = appoint(&test, &child, &consent(&test, &guardian, &child)).await;
    assert_eq!(deads.problem(), ProblemType::EnrolmentRefused, "who died");
    let others = appoint(&test, &child, &consent(&test, &aunt, &guardian)).await;
    assert_eq!(
        others.problem(),
        ProblemType::EnrolmentRefused,
        "for another device"
    );
    assert_eq!(
        appoint(&test, &child, &early).await.status,
        StatusCode::NO_CONTENT
    );
    assert!(test.db.has_guardian(&subject(&test, &child).await).await.unwrap());
    let adult = appoint(&test, &aunt, &consent(&test, &guardian, &aunt)).await;
    assert_eq!(adult.problem(), ProblemType::EnrolmentRefused, "an adult");
}
