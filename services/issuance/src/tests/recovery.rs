//! What a crash leaves open is finished or freed by the next start.

use cyberid_domain::clock::SKEW;
use cyberid_protocol::deposit::MAX_LIFE;
use cyberid_storage::subject::EnrolmentStage;
use http::StatusCode;

use super::applicant::Applicant;
use super::holder_peer::Fault;
use super::platform::TestPlatform;
use super::registry::{Fault as StoreFault, Method};

#[tokio::test]
async fn a_crash_before_the_commit_leaves_nothing() {
    let mut test = TestPlatform::start().await;
    // Everything is deposited, and the process dies before it hears of the commit that did not happen.
    test.registry.fail(Method::Commit, StoreFault::NotStored);
    test.enrol(&Applicant::new(1)).await;
    assert_eq!(test.registry.open()[0].1, EnrolmentStage::Begun);
    assert_eq!(test.vault.records().len(), 1);
    test.restart();
    test.issuance.recover().await.unwrap();
    test.assert_nothing_held();
    assert_eq!(test.enrol(&Applicant::new(1)).await.status, StatusCode::CREATED);
    test.settle_down().await;
    test.assert_one_identifier();
}

/// The process dies while its reservation is on its way, and the reservation arrives after the next start.
#[tokio::test]
async fn a_command_of_a_dead_process_that_arrives_late_is_freed_again() {
    let mut test = TestPlatform::start().await;
    test.vault.fail("/v1/deposits", Fault::LostNotDone, 1);
    test.enrol(&Applicant::new(1)).await;
    let (subject, stage) = test.registry.open().remove(0);
    assert_eq!(stage, EnrolmentStage::Begun);
    // The process hangs before it sends: how old the enrolment is says nothing.
    test.clock.advance(3_600);
    test.restart();
    test.issuance.recover().await.unwrap();
    test.issuance.housekeep().await.unwrap();
    assert_eq!(
        test.registry.open(),
        [(subject, stage)],
        "a command can still arrive"
    );
    assert!(test.deposit_late(subject, &Applicant::new(1)).await);
    test.clock.advance(MAX_LIFE + SKEW);
    test.issuance.housekeep().await.unwrap();
    assert_eq!(
        test.registry.open(),
        [(subject, stage)],
        "a command can still arrive"
    );
    test.clock.advance(600);
    test.issuance.housekeep().await.unwrap();
    test.assert_nothing_left();
    assert_eq!(test.enrol(&Applicant::new(1)).await.status, StatusCode::CREATED);
    test.assert_one_identifier();
}

#[tokio::test]
async fn a_crash_after_the_commit_is_finished() {
    let mut test = TestPlatform::start().await;
    test.vault.fail("/v1/settlements", Fault::LostNotDone, 1);
    test.enrol(&Applicant::new(1)).await;
    assert_eq!(test.registry.open()[0].1, EnrolmentStage::Committed);
    test.restart();
    test.issuance.recover().await.unwrap();
    test.assert_one_identifier();
    test.issuance.recover().await.unwrap();
    test.assert_one_identifier();
}

#[tokio::test]
async fn a_fault_during_recovery_leaves_it_to_housekeeping() {
    for committed in [false, true] {
        let mut test = TestPlatform::start().await;
        if committed {
            test.custodian.fail("/v1/settlements", Fault::Refused, 1);
        } else {
            test.registry.fail(Method::Commit, StoreFault::NotStored);
        }
        test.enrol(&Applicant::new(1)).await;
        test.clock.advance(1);
        test.restart();
        test.vault.fail("/v1/settlements", Fault::Refused, 1);
        test.issuance.recover().await.unwrap();
        assert_eq!((test.registry.open().len(), test.vault.faults_left()), (1, 0));
        test.issuance.housekeep().await.unwrap();
        if committed {
            test.assert_one_identifier();
        } else {
            test.assert_nothing_held();
            test.settle_down().await;
            test.assert_nothing_left();
        }
    }
}

/// However long it takes: housekeeping must not free a person whose enrolment is about to be committed.
#[tokio::test]
async fn a_running_enrolment_is_not_freed() {
    let test = TestPlatform::start().await;
    test.custodian.pause("/v1/deposits");
    let applicant = Applicant::new(1);
    let housekeeping = async {
        while !test.custodian.is_waiting() {
            tokio::task::yield_now().await;
        }
        test.clock.advance(3_600);
        test.issuance.housekeep().await.unwrap();
        assert_eq!(test.vault.reservations().len(), 1);
        test.custodian.gate.add_permits(1);
    };
    let (answer, ()) = tokio::join!(test.enrol(&applicant), housekeeping);
    assert_eq!(answer.status, StatusCode::CREATED);
    test.assert_one_identifier();
}
