//! What a holder sees.

use cyberid_domain::age::Threshold;
use cyberid_domain::subject::SubjectStatus;
use cyberid_protocol::enrolment::{Enrolled, Me};
use cyberid_protocol::problem::ProblemType;
use cyberid_storage::subject::Subjects as _;

use super::applicant::Applicant;
use super::platform::{START, TestPlatform};

#[tokio::test]
async fn a_holder_sees_their_own_identifier() {
    let test = TestPlatform::start_on_disk(Threshold::Fourteen).await;
    test.source.born_on("2009-01-01");
    let (own, other) = (Applicant::new(1), Applicant::new(2));
    let enrolled: Enrolled = test.enrol(&own).await.json();
    test.enrol(&other).await;
    let me: Me = test.me(Some(&own.jkt())).await.json();
    assert_eq!(me.network_number, enrolled.network_number);
    assert_eq!(me.credential_expires_at, enrolled.credential_expires_at);
    assert_eq!((me.status, me.age_over), (SubjectStatus::Active, vec![14, 16]));
    let devices: Vec<_> = me
        .devices
        .into_iter()
        .map(|device| (device.thumbprint, device.bound_at))
        .collect();
    assert_eq!(devices, [(own.jkt(), START)]);
}

#[tokio::test]
async fn a_suspended_or_cancelled_holder_still_sees_it() {
    let test = TestPlatform::start().await;
    let applicant = Applicant::new(1);
    test.enrol(&applicant).await;
    let subject = test.registry.subjects().remove(0).subject;
    for status in [SubjectStatus::Suspended, SubjectStatus::Cancelled] {
        assert!(test.registry.set_status(&subject, status).await.unwrap());
        assert_eq!(test.me(Some(&applicant.jkt())).await.json::<Me>().status, status);
    }
}

#[tokio::test]
async fn without_a_token_or_an_identifier_there_is_nothing_to_see() {
    let test = TestPlatform::start().await;
    assert_eq!(test.me(None).await.problem(), ProblemType::Unauthenticated);
    let stranger = Applicant::new(1).jkt();
    assert_eq!(test.me(Some(&stranger)).await.problem(), ProblemType::NotFound);
}
