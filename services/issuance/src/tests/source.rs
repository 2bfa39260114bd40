//! A source that cannot be believed: no identifier, and nothing left behind.

use cyberid_keystore::role::Evidence;
use cyberid_protocol::face::person_tag;
use cyberid_protocol::problem::ProblemType;
use http::StatusCode;

use super::applicant::Applicant;
use super::platform::{ISSUER, TestPlatform};
use super::source_peer::{Fault, handle};

#[tokio::test]
async fn an_answer_that_cannot_be_believed_is_no_answer() {
    let test = TestPlatform::start().await;
    let faults = [
        Fault::Down,
        Fault::Garbage,
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
    }
    test.source.misbehave(Fault::None);
    assert_eq!(test.enrol(&Applicant::new(1)).await.status, StatusCode::CREATED);
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
