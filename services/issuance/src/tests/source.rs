//! A source that cannot be believed: no identifier, and nothing left behind.

use cyberid_protocol::problem::ProblemType;
use http::StatusCode;

use super::applicant::Applicant;
use super::platform::TestPlatform;
use super::source_peer::Fault;

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
