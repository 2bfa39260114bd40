//! Misuse reports and appeals, while a key holder is away, and over a crash.

use cyberid_domain::age::Threshold;
use cyberid_domain::case::Verdict;
use cyberid_domain::clock::Clock as _;
use cyberid_domain::id::{CaseId, ClientId};
use cyberid_domain::rng::SystemRng;
use cyberid_domain::subject::{LifeReason, SubjectStatus};
use cyberid_protocol::case::{CaseStatus, CaseView};
use cyberid_protocol::enrolment::EnrolmentBody;
use cyberid_protocol::leaf::{Leaf, LeafKind};
use cyberid_protocol::problem::ProblemType;
use cyberid_storage::life::{LifeChange, Lives as _, Turn};
use cyberid_storage::subject::Subjects as _;
use http::StatusCode;
use serde_json::json;

use super::applicant::Applicant;
use super::holder_peer::Fault;
use super::platform::{Answer, TestPlatform};
use super::source_peer::signing_key;

/// A platform where somebody has the identifier of person 1, and that person with a device of their own.
async fn misused() -> (TestPlatform, Applicant, Applicant) {
    let test = TestPlatform::start_on_disk(Threshold::Fourteen).await;
    let thief = Applicant::new(1);
    assert_eq!(test.enrol(&thief).await.status, StatusCode::CREATED);
    let own = Applicant {
        device: signing_key(),
        ..Applicant::new(1)
    };
    (test, thief, own)
}

pub(super) async fn report(test: &TestPlatform, person: &Applicant) -> Answer {
    let proof = person.proof(&test.nonce().await, test.clock.now());
    test.post("/v1/misuse-reports", person.body(&proof).to_string())
        .await
}

async fn say(test: &TestPlatform, id: &CaseId, verdict: Verdict) -> CaseView {
    let path = format!("/v1/cases/{id}/decide");
    let operator = ClientId::random(&SystemRng);
    test.as_operator(&path, &operator, &json!({"verdict": verdict}))
        .await
        .json()
}

async fn status(test: &TestPlatform, person: &Applicant) -> Option<SubjectStatus> {
    test.db
        .by_device(&person.jkt())
        .await
        .unwrap()
        .map(|subject| subject.status)
}

#[tokio::test]
async fn a_report_halts_and_says_so_once() {
    let (test, thief, own) = misused().await;
    let reported = report(&test, &own).await;
    assert_eq!(reported.status, StatusCode::CREATED);
    assert_eq!(status(&test, &thief).await, Some(SubjectStatus::Suspended));
    let subject = test.db.by_device(&thief.jkt()).await.unwrap().unwrap().subject;
    test.settle_down().await;
    let leaves = test.db.life_leaves(&subject).await.unwrap();
    let kinds: Vec<_> = leaves
        .iter()
        .map(|leaf| Leaf::from_text(&leaf.leaf.body).unwrap())
        .map(|leaf| (leaf.kind, leaf.life_reason))
        .collect();
    assert_eq!(kinds, [(LeafKind::IdentitySuspended, Some(LifeReason::Misuse))]);
}

/// All that stands against a report is one answer, and it is that of an enrolment.
#[tokio::test]
async fn every_refusal_of_a_report_is_one_and_the_same() {
    let (test, thief, own) = misused().await;
    let mut liar = Applicant::new(1);
    liar.evidence = "false".into();
    let refused = report(&test, &liar).await;
    assert_eq!(refused.problem(), ProblemType::EnrolmentRefused);
    assert_eq!(status(&test, &thief).await, Some(SubjectStatus::Active));
    assert_eq!(
        report(&test, &Applicant::new(2)).await,
        refused,
        "nobody's identifier"
    );
    assert_eq!(report(&test, &thief).await, refused, "by the very device");
    assert_eq!(report(&test, &own).await.status, StatusCode::CREATED);
    let second = Applicant {
        device: signing_key(),
        ..Applicant::new(1)
    };
    assert_eq!(report(&test, &second).await, refused, "a second case");
    assert_eq!(test.enrol(&liar).await, refused, "an enrolment");
}

#[tokio::test]
async fn what_is_decided_while_a_key_holder_is_away_is_done_once_it_is_back() {
    let (test, thief, own) = misused().await;
    let case: CaseView = report(&test, &own).await.json();
    assert_eq!(
        say(&test, &case.id, Verdict::Upheld).await.status,
        CaseStatus::Open
    );
    test.custodian.fail("/v1/bindings", Fault::Refused, 1);
    let decided = say(&test, &case.id, Verdict::Upheld).await;
    assert_eq!(decided.status, CaseStatus::Decided);
    assert_eq!(test.custodian.faults_left(), 0);
    assert_eq!(
        status(&test, &thief).await,
        Some(SubjectStatus::Suspended),
        "and it stays halted"
    );
    assert_eq!(status(&test, &own).await, None);
    test.issuance.housekeep().await.unwrap();
    assert_eq!(status(&test, &own).await, Some(SubjectStatus::Active));
    assert_eq!(status(&test, &thief).await, None);
    let shown = test.issuance.show_case(&case.id).await.unwrap();
    assert_eq!(
        (shown.status, shown.verdict),
        (CaseStatus::Done, Some(Verdict::Upheld))
    );
}

#[tokio::test]
async fn an_appeal_is_given_to_anybody_once_and_forgotten_in_the_end() {
    let test = TestPlatform::start_on_disk(Threshold::Fourteen).await;
    let appeal = async |person: &Applicant| {
        let proof = person.proof(&test.nonce().await, test.clock.now());
        test.post("/v1/appeals", json!({"key_proof": proof}).to_string())
            .await
    };
    let anybody = Applicant::new(1);
    let made = appeal(&anybody).await;
    assert_eq!(made.status, StatusCode::CREATED);
    let case: CaseView = made.json();
    assert_eq!(
        (case.status, case.verdict, case.permitted_until),
        (CaseStatus::Open, None, None)
    );
    assert_eq!(appeal(&anybody).await.problem(), ProblemType::EnrolmentRefused);
    for _ in 0..2 {
        say(&test, &case.id, Verdict::Dismissed).await;
    }
    let shown = test.issuance.show_case(&case.id).await.unwrap();
    assert_eq!(
        (shown.verdict, shown.permitted_until),
        (Some(Verdict::Dismissed), None)
    );
    test.clock.advance(31 * 86_400);
    test.issuance.housekeep().await.unwrap();
    assert!(
        test.issuance.show_case(&case.id).await.is_err(),
        "it is forgotten"
    );
}

/// A suspension that operators had said before is not lifted by a case that came later: whoever is banned does not report
/// themselves to be free.
#[tokio::test]
async fn a_case_lifts_no_suspension_but_its_own() {
    for verdict in [Verdict::Dismissed, Verdict::Upheld] {
        let (test, thief, own) = misused().await;
        let subject = test.db.by_device(&thief.jkt()).await.unwrap().unwrap().subject;
        let banned = LifeChange {
            subject,
            turn: Turn::Suspend(LifeReason::Misuse),
            at: test.clock.now(),
            leaf: None,
        };
        test.db.turn(&banned).await.unwrap();
        let case: CaseView = report(&test, &own).await.json();
        say(&test, &case.id, verdict).await;
        assert_eq!(say(&test, &case.id, verdict).await.status, CaseStatus::Done);
        let reasons = test.db.suspensions(&subject).await.unwrap();
        let reasons: Vec<_> = reasons.iter().map(|it| it.reason).collect();
        assert_eq!(reasons, [LifeReason::Misuse], "{verdict:?}");
    }
}

/// A key holder that was away for too long, or an identifier that ended, leaves no case open for ever.
#[tokio::test]
async fn a_device_that_can_be_bound_no_more_ends_the_case_and_not_the_halt() {
    let (test, thief, own) = misused().await;
    let case: CaseView = report(&test, &own).await.json();
    say(&test, &case.id, Verdict::Upheld).await;
    test.custodian.fail("/v1/bindings", Fault::Refused, 1);
    assert_eq!(
        say(&test, &case.id, Verdict::Upheld).await.status,
        CaseStatus::Decided
    );
    test.clock.advance(3_600);
    for _ in 0..2 {
        test.issuance.housekeep().await.unwrap();
    }
    let shown = test.issuance.show_case(&case.id).await.unwrap();
    assert_eq!(shown.status, CaseStatus::Done);
    assert_eq!(status(&test, &thief).await, Some(SubjectStatus::Suspended));
    let again = Applicant {
        device: signing_key(),
        ..Applicant::new(1)
    };
    assert_eq!(
        report(&test, &again).await.status,
        StatusCode::CREATED,
        "and another report is taken"
    );
}

/// What a person does at a desk is metered as a refusal is, whoever asks.
#[tokio::test]
async fn appeals_are_metered_as_refusals() {
    let mut test = TestPlatform::start_on_disk(Threshold::Fourteen).await;
    test.allow_refusals(3);
    for which in 0..4 {
        let person = Applicant::new(which);
        let proof = person.proof(&test.nonce().await, test.clock.now());
        let appeal = test
            .post("/v1/appeals", json!({"key_proof": proof}).to_string())
            .await;
        if which < 3 {
            assert_eq!(appeal.status, StatusCode::CREATED);
        } else {
            assert_eq!(appeal.problem(), ProblemType::RateLimited);
        }
    }
}

/// What two operators permitted holds for its device at every door, and for seven days.
#[tokio::test]
async fn an_upheld_appeal_lets_its_device_alone_prove_a_passport_without_its_chip() {
    let test = TestPlatform::start_on_disk(Threshold::Fourteen).await;
    let (permitted, other) = (Applicant::new(1), Applicant::new(2));
    let without_chip = async |person: &Applicant| {
        let mut body = person.body("");
        body["document"]["type"] = "passport".into();
        body["document"]["number"] = "L898902C36".into();
        let body: EnrolmentBody = serde_json::from_value(body).unwrap();
        let stated = test.issuance.stated(&body.document, &person.jkt()).await;
        stated.unwrap().without_chip
    };
    let proof = permitted.proof(&test.nonce().await, test.clock.now());
    let made = test
        .post("/v1/appeals", json!({"key_proof": proof}).to_string())
        .await;
    let case: CaseView = made.json();
    say(&test, &case.id, Verdict::Upheld).await;
    assert!(!without_chip(&permitted).await, "one operator said so");
    say(&test, &case.id, Verdict::Upheld).await;
    assert!(without_chip(&permitted).await);
    assert!(!without_chip(&other).await);
    test.clock.advance(7 * 86_400 + 1);
    assert!(!without_chip(&permitted).await);
}
