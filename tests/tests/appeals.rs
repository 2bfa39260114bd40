//! Misuses that the true person reports, and appeals: over HTTP by the holder's library and at a shell, decided by two operators.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on must stop"
)]

use std::process::{Command, Output};
use std::sync::Arc;

use cyberid_client::ClientError;
use cyberid_domain::case::Verdict;
use cyberid_domain::clock::SystemClock;
use cyberid_domain::document::DocumentType;
use cyberid_domain::id::CaseId;
use cyberid_domain::rng::SystemRng;
use cyberid_domain::subject::{LifeReason, SubjectStatus};
use cyberid_holder::{Holder, HolderError};
use cyberid_protocol::case::{CaseStatus, CaseView, OpenCases, VerdictBody};
use cyberid_protocol::problem::ProblemType;
use journeys::{Person, TestPlatform, executable};
use serde::Deserialize;
use serde_json::Value;

/// A device that is nobody's yet.
async fn device(platform: &TestPlatform) -> Holder {
    let key = platform.device_key();
    let (clock, rng) = (Arc::new(SystemClock), Arc::new(SystemRng));
    Holder::contact(platform.client.clone(), key.signer(), clock, rng)
        .await
        .unwrap()
}

fn problem<T: std::fmt::Debug>(refused: Result<T, HolderError>) -> Option<ProblemType> {
    match refused {
        Err(HolderError::Client(error)) => error.problem(),
        other => panic!("not a problem: {other:?}"),
    }
}

async fn say(
    platform: &TestPlatform,
    operator: usize,
    case: &CaseId,
    verdict: Verdict,
) -> Result<CaseView, ClientError> {
    let path = format!("/v1/cases/{case}/decide");
    platform
        .operator(operator)
        .post(&path, &VerdictBody { verdict })
        .await
}

#[tokio::test]
async fn who_proves_to_be_the_person_stops_a_thief_at_once_and_gets_the_identifier_by_two_operators() {
    let platform = TestPlatform::start().await;
    // Somebody else's device, with evidence that was the person's.
    let thief = platform.citizen(0).await;
    let own = device(&platform).await;
    let report = thief.person.enrolment();
    let case = own.report_misuse(&report).await.unwrap();
    assert_eq!((case.status, case.verdict), (CaseStatus::Open, None));
    let seen = thief.holder.me().await.unwrap();
    assert_eq!(seen.status, SubjectStatus::Suspended);
    assert_eq!(seen.suspended_for, [LifeReason::Misuse]);
    assert!(own.me().await.is_err(), "nothing is the reporter's yet");
    // The thief does not lift it, and a second report is not another case.
    assert_eq!(
        problem(device(&platform).await.report_misuse(&report).await),
        Some(ProblemType::EnrolmentRefused)
    );
    // Nobody who has no identifier has one to report.
    let stranger = platform.adult(1).await;
    let nobody = device(&platform).await.report_misuse(&stranger.enrolment()).await;
    assert_eq!(problem(nobody), Some(ProblemType::EnrolmentRefused));

    let open: OpenCases = platform.operator(0).get("/v1/cases").await.unwrap();
    assert_eq!(open.cases.len(), 1);
    let waiting = say(&platform, 0, &case.id, Verdict::Upheld).await.unwrap();
    assert_eq!(waiting.status, CaseStatus::Open);
    let alone = say(&platform, 0, &case.id, Verdict::Upheld).await.err().unwrap();
    assert_eq!(alone.problem(), Some(ProblemType::TwoPersonsRequired));
    assert!(own.me().await.is_err(), "one operator is not enough");
    let decided = say(&platform, 1, &case.id, Verdict::Upheld).await.unwrap();
    assert_eq!(
        (decided.status, decided.verdict),
        (CaseStatus::Done, Some(Verdict::Upheld))
    );
    let mine = own.me().await.unwrap();
    assert_eq!(mine.status, SubjectStatus::Active);
    assert_eq!(mine.network_number, thief.enrolled.network_number);
    assert_eq!(mine.devices.len(), 1, "every other device is revoked");
    assert!(thief.holder.me().await.is_err());
    let otherwise = say(&platform, 0, &case.id, Verdict::Dismissed)
        .await
        .err()
        .unwrap();
    assert_eq!(otherwise.problem(), Some(ProblemType::RequestClosed));
    // What was done to the identity is in the ledger.
    let path = "/v1/audit/entries?kind=identity.suspended&limit=10";
    let entries: Value = platform.regulator().get(path).await.unwrap();
    assert!(entries.to_string().contains("misuse"), "{entries}");
}

#[tokio::test]
async fn a_report_that_is_dismissed_leaves_everything_as_it_was_after_a_crash_as_well() {
    let platform = TestPlatform::start().await;
    let citizen = platform.citizen(0).await;
    let case = device(&platform)
        .await
        .report_misuse(&citizen.person.enrolment())
        .await
        .unwrap();
    say(&platform, 0, &case.id, Verdict::Dismissed).await.unwrap();
    let platform = platform.killed_and_restarted().await;
    assert_eq!(
        citizen.holder.me().await.unwrap().status,
        SubjectStatus::Suspended
    );
    let decided = say(&platform, 1, &case.id, Verdict::Dismissed).await.unwrap();
    assert_eq!(decided.status, CaseStatus::Done);
    let seen = citizen.holder.me().await.unwrap();
    assert_eq!((seen.status, seen.devices.len()), (SubjectStatus::Active, 1));
}

#[derive(Deserialize)]
struct People {
    people: Vec<Person>,
}

async fn traveller(platform: &TestPlatform) -> Person {
    let People { people } = platform.client.get("/sandbox/people?limit=200").await.unwrap();
    let travels = |person: &Person| {
        person.document.kind == DocumentType::Passport
            && *person.document.valid_until > *"2030"
            && *person.birth_date < *"2004"
    };
    people.into_iter().find(travels).unwrap()
}

#[tokio::test]
async fn an_appeal_that_two_operators_uphold_permits_one_device_for_a_while() {
    let platform = TestPlatform::start_with("[evidence]\npassport_chip = \"required\"\n").await;
    let traveller = traveller(&platform).await;
    let (own, other) = (device(&platform).await, device(&platform).await);
    let refused = problem(own.enrol(&traveller.enrolment()).await);
    assert_eq!(refused, Some(ProblemType::EnrolmentRefused), "without its chip");
    let case = own.appeal().await.unwrap();
    // Whoever was never refused is told the same.
    assert_eq!(other.appeal().await.unwrap().status, case.status);
    for (operator, status) in [(0, CaseStatus::Open), (1, CaseStatus::Done)] {
        assert_eq!(
            problem(own.enrol(&traveller.enrolment()).await),
            refused,
            "not permitted yet"
        );
        let said = say(&platform, operator, &case.id, Verdict::Upheld).await.unwrap();
        assert_eq!(said.status, status);
    }
    let shown = own.case(&case.id).await.unwrap();
    assert_eq!(shown.verdict, Some(Verdict::Upheld));
    assert!(shown.permitted_until.is_some());
    assert_eq!(
        problem(other.enrol(&traveller.enrolment()).await),
        refused,
        "another's permission"
    );
    // Nobody is permitted to be another.
    let somebody_else = match platform.adult(0).await {
        first if first.document.number == traveller.document.number => platform.adult(1).await,
        first => first,
    };
    let mut masked = traveller.clone();
    masked.evidence = somebody_else.evidence;
    assert_eq!(problem(own.enrol(&masked.enrolment()).await), refused);
    assert!(own.enrol(&traveller.enrolment()).await.is_ok());
}

fn run(home: &tempfile::TempDir, line: &str) -> Output {
    Command::new(executable())
        .args(line.split_whitespace())
        .env_clear()
        .env("HOME", home.path())
        .output()
        .unwrap()
}

/// What a command that succeeds prints.
fn done(home: &tempfile::TempDir, line: &str) -> Value {
    let ran = run(home, line);
    assert!(ran.status.success(), "{line}: {ran:?}");
    serde_json::from_slice(&ran.stdout).unwrap()
}

#[tokio::test]
async fn the_same_at_a_shell() {
    let platform = TestPlatform::start().await;
    let (url, home) = (platform.url(), tempfile::tempdir().unwrap());
    let at = |name: &str| format!("--home {}", home.path().join(name).display());
    let (thief, own) = (at("thief"), at("own"));
    done(
        &home,
        &format!("holder enrol --server {url} --sandbox-person 1 --pin 52719406 {thief} --json"),
    );
    let report =
        format!("holder report-misuse --server {url} --sandbox-person 1 --pin 83620517 {own} --json");
    let case = done(&home, &report);
    let id = case.get("id").unwrap().as_str().unwrap();
    let listed = done(&home, &format!("cases list --server {url} --sandbox --json"));
    assert!(listed.to_string().contains(id));
    done(
        &home,
        &format!("cases decide {id} --upheld --server {url} --sandbox --operator 1 --json"),
    );
    let alone = run(
        &home,
        &format!("cases decide {id} --upheld --server {url} --sandbox --operator 1 --json"),
    );
    assert_eq!(alone.status.code(), Some(1));
    done(
        &home,
        &format!("cases decide {id} --upheld --server {url} --sandbox --operator 2 --json"),
    );
    let shown = done(&home, &format!("holder case {id} --server {url} --json"));
    assert_eq!(shown.get("status").unwrap(), "done");
    let mine = done(&home, &format!("holder show {own} --json"));
    assert_eq!(mine.get("status").unwrap(), "active");
    assert!(
        !run(&home, &format!("holder show {thief} --json"))
            .status
            .success()
    );
    let appeal = done(
        &home,
        &format!("holder appeal --server {url} {} --json", at("other")),
    );
    assert_eq!(appeal.get("kind").unwrap(), "appeal");
}

#[test]
fn the_same_with_the_keys_in_a_token() {
    journeys::on_a_token(&[
        "who_proves_to_be_the_person_stops_a_thief_at_once_and_gets_the_identifier_by_two_operators",
        "the_same_at_a_shell",
    ]);
}
