//! A fault at each step: nothing is left, or an enrolment that is finished later; never two identifiers.

use cyberid_protocol::problem::ProblemType;
use cyberid_storage::subject::EnrolmentStage;
use http::StatusCode;

use super::applicant::Applicant;
use super::holder_peer::{Fault, HolderPeer};
use super::platform::{Answer, TestPlatform};
use super::registry::{Fault as StoreFault, Method};

const HOLDERS: [fn(&TestPlatform) -> &HolderPeer; 2] = [|test| &test.vault, |test| &test.custodian];

/// After a failed enrolment: the person is free again, and a second try gives the only identifier.
async fn assert_free_again(test: &TestPlatform, answer: &Answer) {
    assert_eq!(answer.problem(), ProblemType::Unavailable);
    test.settle_down().await;
    test.assert_nothing_left();
    assert_eq!(test.enrol(&Applicant::new(1)).await.status, StatusCode::CREATED);
    test.assert_one_identifier();
}

async fn fails_before_commit(holder: fn(&TestPlatform) -> &HolderPeer, path: &'static str) {
    for fault in [Fault::Refused, Fault::LostNotDone, Fault::LostDone] {
        let test = TestPlatform::start().await;
        holder(&test).fail(path, fault, 1);
        let answer = test.enrol(&Applicant::new(1)).await;
        assert_eq!(holder(&test).faults_left(), 0, "{fault:?} was not hit");
        assert_free_again(&test, &answer).await;
    }
}

#[tokio::test]
async fn the_custodian_fails_to_keep_its_shares() {
    fails_before_commit(|test| &test.custodian, "/v1/deposits").await;
}

#[tokio::test]
async fn the_vault_fails_to_reserve_the_person_and_to_keep_the_record() {
    fails_before_commit(|test| &test.vault, "/v1/deposits").await;
}

#[tokio::test]
async fn a_key_holder_fails_while_the_enrolment_is_freed_too() {
    for holder in HOLDERS {
        for fault in [Fault::Refused, Fault::LostNotDone, Fault::LostDone] {
            let test = TestPlatform::start().await;
            test.registry.fail(Method::Commit, StoreFault::NotStored);
            holder(&test).fail("/v1/settlements", fault, 1);
            let answer = test.enrol(&Applicant::new(1)).await;
            assert_eq!(answer.problem(), ProblemType::Unavailable);
            assert_eq!(test.registry.open().len(), 1);
            test.clock.advance(600);
            test.issuance.housekeep().await.unwrap();
            assert_eq!(holder(&test).faults_left(), 0, "{fault:?} was not hit");
            assert_free_again(&test, &answer).await;
        }
    }
}

/// The answer to a deposit is lost, and the deposit itself arrives with its reservation after it was freed.
#[tokio::test]
async fn a_command_that_arrives_late_is_freed_again() {
    let test = TestPlatform::start().await;
    test.vault.fail("/v1/deposits", Fault::LostNotDone, 1);
    let answer = test.enrol(&Applicant::new(1)).await;
    assert_eq!(answer.problem(), ProblemType::Unavailable);
    let (subject, stage) = test.registry.open().remove(0);
    assert_eq!(stage, EnrolmentStage::Begun);
    test.issuance.housekeep().await.unwrap();
    assert_eq!(
        test.registry.open().len(),
        1,
        "ended while a command could still arrive"
    );
    assert!(test.deposit_late(subject, &Applicant::new(1)).await);
    assert_free_again(&test, &answer).await;
}

#[tokio::test]
async fn a_committed_person_has_the_identifier_whoever_fails_to_confirm() {
    for holder in HOLDERS {
        for fault in [Fault::Refused, Fault::LostNotDone, Fault::LostDone] {
            let test = TestPlatform::start().await;
            holder(&test).fail("/v1/settlements", fault, 1);
            assert_eq!(test.enrol(&Applicant::new(1)).await.status, StatusCode::CREATED);
            assert_eq!(holder(&test).faults_left(), 0, "{fault:?} was not hit");
            assert_eq!(test.registry.open()[0].1, EnrolmentStage::Committed);
            test.issuance.housekeep().await.unwrap();
            test.assert_one_identifier();
        }
    }
}

/// A key holder that does not confirm several leaves each of them to housekeeping.
#[tokio::test]
async fn those_who_are_not_confirmed_together_are_confirmed_later() {
    for holder in HOLDERS {
        for fault in [Fault::Refused, Fault::LostNotDone, Fault::LostDone] {
            let test = TestPlatform::start().await;
            holder(&test).fail("/v1/settlements", fault, 1);
            let (one, two) = (Applicant::new(1), Applicant::new(2));
            let (first, second) = tokio::join!(test.enrol(&one), test.enrol(&two));
            assert_eq!(
                (first.status, second.status),
                (StatusCode::CREATED, StatusCode::CREATED)
            );
            assert_eq!(holder(&test).faults_left(), 0, "{fault:?} was not hit");
            let open = test.registry.open();
            assert!(!open.is_empty() && open.iter().all(|(_, stage)| *stage == EnrolmentStage::Committed));
            test.issuance.housekeep().await.unwrap();
            assert_eq!(test.registry.open(), []);
            for kept in [&test.vault, &test.custodian] {
                assert_eq!(
                    kept.records().values().filter(|record| record.confirmed).count(),
                    2
                );
            }
        }
    }
}

#[tokio::test]
async fn the_registry_fails_to_begin() {
    for fault in [StoreFault::NotStored, StoreFault::Stored] {
        let test = TestPlatform::start().await;
        test.registry.fail(Method::Begin, fault);
        let answer = test.enrol(&Applicant::new(1)).await;
        assert_eq!(test.registry.faults_left(), 0);
        assert_free_again(&test, &answer).await;
    }
}

#[tokio::test]
async fn the_registry_fails_to_commit() {
    let test = TestPlatform::start().await;
    test.registry.fail(Method::Commit, StoreFault::NotStored);
    let answer = test.enrol(&Applicant::new(1)).await;
    assert_eq!(test.registry.faults_left(), 0);
    assert_free_again(&test, &answer).await;
}

#[tokio::test]
async fn the_registry_says_that_it_failed_and_has_committed() {
    let test = TestPlatform::start().await;
    test.registry.fail(Method::Commit, StoreFault::Stored);
    assert_eq!(test.enrol(&Applicant::new(1)).await.status, StatusCode::CREATED);
    assert_eq!(test.registry.faults_left(), 0);
    test.assert_one_identifier();
}

/// Nobody can tell whether it has committed: nothing is freed, and housekeeping finishes it.
#[tokio::test]
async fn the_registry_has_committed_and_then_says_nothing_more() {
    let test = TestPlatform::start().await;
    test.registry.fail(Method::Commit, StoreFault::Stored);
    test.registry.fail(Method::Open, StoreFault::NotStored);
    let answer = test.enrol(&Applicant::new(1)).await;
    assert_eq!(answer.problem(), ProblemType::Unavailable);
    assert_eq!(test.registry.faults_left(), 0);
    test.settle_down().await;
    test.assert_one_identifier();
    assert_eq!(
        test.enrol(&Applicant::new(1)).await.problem(),
        ProblemType::EnrolmentRefused
    );
    test.assert_one_identifier();
}

#[tokio::test]
async fn the_registry_fails_to_end() {
    for fault in [StoreFault::NotStored, StoreFault::Stored] {
        let test = TestPlatform::start().await;
        test.registry.fail(Method::End, fault);
        assert_eq!(test.enrol(&Applicant::new(1)).await.status, StatusCode::CREATED);
        assert_eq!(test.registry.faults_left(), 0);
        test.settle_down().await;
        test.assert_one_identifier();
    }
}
