//! Ages: flags at enrolment, tags for what is to come, and the day on which each is reached.

use cyberid_domain::UnixTime;
use cyberid_domain::age::Threshold;
use cyberid_domain::clock::DAY;
use cyberid_protocol::enrolment::Me;

use super::applicant::Applicant;
use super::platform::{START, TestPlatform};
use super::registry::{Fault, Method};

/// 2026-11-23T00:00:00+08:00.
const TODAY: UnixTime = UnixTime(1_795_363_200);

async fn ages(test: &TestPlatform, applicant: &Applicant) -> Vec<u8> {
    test.me(Some(&applicant.jkt())).await.json::<Me>().age_over
}

#[tokio::test]
async fn the_registry_holds_flags_and_tags_and_no_date() {
    let test = TestPlatform::start().await;
    test.source.born_on("2010-11-24");
    let (one, two) = (Applicant::new(1), Applicant::new(2));
    test.enrol(&one).await;
    test.enrol(&two).await;
    assert_eq!(ages(&test, &one).await, [14]);
    let subjects = test.registry.subjects();
    let thresholds: Vec<_> = subjects[0]
        .age_tags
        .iter()
        .map(|(threshold, _)| *threshold)
        .collect();
    assert_eq!(
        thresholds,
        [Threshold::Sixteen, Threshold::Eighteen, Threshold::TwentyOne]
    );
    // Keyed: the tag of a known date cannot be computed without the key.
    let guess = cyberid_crypto::digest::hmac_parts(&[0; 32], &[&[16], b"2026-11-24"]);
    assert!(subjects[0].age_tags.iter().all(|(_, tag)| *tag != guess));
}

#[tokio::test]
async fn an_age_is_reached_on_its_day_in_beijing() {
    let test = TestPlatform::start().await;
    test.source.born_on("2010-11-24");
    let applicant = Applicant::new(1);
    test.enrol(&applicant).await;
    test.issuance.housekeep().await.unwrap();
    assert_eq!(ages(&test, &applicant).await, [14]);
    test.clock.advance(TODAY.plus(DAY).since(START) - 1);
    test.issuance.housekeep().await.unwrap();
    assert_eq!(ages(&test, &applicant).await, [14]);
    test.clock.advance(1);
    test.issuance.housekeep().await.unwrap();
    assert_eq!(ages(&test, &applicant).await, [14, 16]);
}

#[tokio::test]
async fn each_day_is_matched_once_and_none_is_left_out() {
    let test = TestPlatform::start().await;
    test.source.born_on("2010-11-26");
    let applicant = Applicant::new(1);
    test.enrol(&applicant).await;
    test.issuance.housekeep().await.unwrap();
    test.issuance.housekeep().await.unwrap();
    assert_eq!(test.registry.age_days(), [TODAY]);
    // The platform is down for five days, and stops again half-way through catching up.
    test.clock.advance(5 * DAY);
    test.registry.fail(Method::ReachAges, Fault::Stored);
    assert!(test.issuance.housekeep().await.is_err());
    test.registry.fail(Method::ReachAges, Fault::NotStored);
    assert!(test.issuance.housekeep().await.is_err());
    test.issuance.housekeep().await.unwrap();
    let expected: Vec<_> = (0..=5).map(|days| TODAY.plus(days * DAY)).collect();
    assert_eq!(test.registry.age_days(), expected);
    assert_eq!(ages(&test, &applicant).await, [14, 16]);
}

/// The tags are made before midnight, the day's matching runs, and only then is the subject committed.
#[tokio::test]
async fn whoever_is_committed_around_midnight_is_not_forgotten() {
    let test = TestPlatform::start().await;
    test.source.born_on("2010-11-24");
    let applicant = Applicant::new(1);
    test.clock.advance(TODAY.plus(DAY).since(START) - 1);
    // As a commit of yesterday's tags that the matching of today did not see.
    test.enrol(&applicant).await;
    assert_eq!(ages(&test, &applicant).await, [14]);
    let late = test.registry.take_subject();
    test.clock.advance(1);
    test.issuance.housekeep().await.unwrap();
    test.registry.put_subject(late);
    test.issuance.housekeep().await.unwrap();
    assert_eq!(ages(&test, &applicant).await, [14]);
    test.clock.advance(DAY);
    test.issuance.housekeep().await.unwrap();
    assert_eq!(ages(&test, &applicant).await, [14, 16]);
}
