//! A source that cannot be believed: no identifier, and nothing left behind.

use cyberid_keystore::role::Evidence;
use cyberid_protocol::face::person_tag;
use cyberid_protocol::problem::ProblemType;
use http::StatusCode;

use super::applicant::Applicant;
use super::platform::{ISSUER, TestPlatform};
use super::source_peer::{Fault, handle};
use crate::source_circuit::{MOST_FAILURES, REST, WINDOW};

#[tokio::test]
async fn an_answer_that_cannot_be_believed_is_no_answer() {
    let test = TestPlatform::start().await;
    let faults = [
        Fault::Down,
        Fault::Garbage,
        Fault::NotJson,
        Fault::Html,
        Fault::Huge,
        Fault::Truncated,
        Fault::Slow,
        Fault::OtherShape,
        Fault::ForeignKey,
        Fault::OtherQuestion,
        Fault::Old,
        Fault::FromTheFuture,
        Fault::NoBirthDate,
        Fault::BirthDateForAnother,
        Fault::BirthDateOfNoForm,
        Fault::NoPerson,
        Fault::PersonForAnother,
        Fault::PersonOfNoForm,
    ];
    for (asked, fault) in faults.into_iter().enumerate() {
        test.source.misbehave(fault);
        let answer = test.enrol(&Applicant::new(1)).await;
        assert_eq!(answer.problem(), ProblemType::SourceUnavailable, "{fault:?}");
        assert_eq!(answer.headers["retry-after"], "10");
        assert_eq!(test.source.asked(), asked + 1, "{fault:?} was not hit");
        test.assert_nothing_left();
        test.clock.advance(WINDOW);
    }
    test.source.misbehave(Fault::None);
    assert_eq!(test.enrol(&Applicant::new(1)).await.status, StatusCode::CREATED);
}

/// A source that failed again and again is not asked, until one question finds that it answers again.
#[tokio::test]
async fn a_source_that_fails_again_and_again_is_left_alone_for_a_while() {
    let test = TestPlatform::start().await;
    let refused = async || {
        let answer = test.enrol(&Applicant::new(1)).await;
        assert_eq!(answer.problem(), ProblemType::SourceUnavailable);
        test.assert_nothing_left();
        answer.headers["retry-after"].to_str().unwrap().to_owned()
    };
    test.source.misbehave(Fault::Down);
    for _ in 0..MOST_FAILURES {
        assert_eq!(refused().await, "10");
    }
    test.source.misbehave(Fault::None);
    test.clock.advance(1);
    assert_eq!(refused().await, (REST - 1).to_string());
    assert_eq!(test.source.asked(), MOST_FAILURES, "it was not asked");

    test.source.misbehave(Fault::ForeignKey);
    test.clock.advance(REST - 1);
    assert_eq!(refused().await, "10");
    assert_eq!(test.source.asked(), MOST_FAILURES + 1, "one question tried");
    assert_eq!(refused().await, REST.to_string());

    test.source.misbehave(Fault::None);
    test.clock.advance(REST);
    assert_eq!(test.enrol(&Applicant::new(1)).await.status, StatusCode::CREATED);
    let mut wrong = Applicant::new(2);
    wrong.evidence = "false".into();
    for _ in 0..=MOST_FAILURES {
        let refused = test.enrol(&wrong).await;
        assert_eq!(
            refused.problem(),
            ProblemType::EnrolmentRefused,
            "a refusal is an answer"
        );
    }
}

/// The registry keeps who somebody is to the source only under the platform's own key.
#[tokio::test]
async fn the_persons_handle_is_kept_under_a_key_of_the_platform() {
    let test = TestPlatform::start().await;
    let applicant = Applicant::new(1);
    test.enrol(&applicant).await;
    let kept = test.registry.subjects().remove(0).person_tag;
    let handle = handle(&applicant.number, ISSUER);
    let key = test.keys().mac::<Evidence>().unwrap();
    assert_eq!(Some(kept), person_tag(&key, &handle));
    assert_ne!(Some(kept), cyberid_crypto::base64url::decode_array(&handle));
}

/// A stranger does not close the source to everybody with questions that it would not read.
#[tokio::test]
async fn what_is_too_long_for_the_source_is_refused_and_does_not_count_against_it() {
    let test = TestPlatform::start().await;
    let mut long = Applicant::new(1);
    // Below the limit of a body here, and beyond it once it is sealed.
    long.evidence = "x".repeat(60_000);
    for _ in 0..=MOST_FAILURES {
        let answer = test.enrol(&long).await;
        assert_eq!(answer.problem(), ProblemType::EnrolmentRefused);
    }
    assert_eq!(test.source.asked(), 0);
    assert_eq!(test.enrol(&Applicant::new(1)).await.status, StatusCode::CREATED);
}
