//! A PIN's life against a real platform: changed, locked for longer each time and over a restart, set anew by fresh
//! evidence.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use cyberid_domain::device::AlertKind;
use cyberid_domain::pin::Pin;
use cyberid_holder::{HolderError, Reproof};
use cyberid_protocol::problem::ProblemType;
use journeys::{PIN, Person, TestPlatform, shell};

const NEW: &str = "83620517";

fn pin(text: &str) -> Pin {
    Pin::entered(text.into()).unwrap()
}

fn reproof(person: &Person, digits: &str) -> Reproof {
    let enrolment = person.enrolment();
    Reproof {
        document: enrolment.document,
        evidence: enrolment.evidence,
        pin: pin(digits),
    }
}

fn problem(answer: Result<(), HolderError>) -> Option<ProblemType> {
    match answer.err()? {
        HolderError::Client(error) => error.problem(),
        error => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_lock_outlives_the_process_and_fresh_evidence_lifts_it() {
    let platform = TestPlatform::start().await;
    let citizen = platform.citizen(0).await;
    let wrong = Some(ProblemType::EvidenceRefused);
    for _ in 0..5 {
        let tried = citizen.holder.change_pin(&pin("31415926"), &pin(NEW)).await;
        assert_eq!(problem(tried), wrong);
    }
    let right = async || citizen.holder.change_pin(&pin(PIN), &pin(NEW)).await;
    assert_eq!(problem(right().await), wrong, "locked");
    let platform = platform.killed_and_restarted().await;
    assert_eq!(problem(right().await), wrong, "locked still");
    let other = reproof(&platform.adult(1).await, NEW);
    let of_another = citizen.holder.reset_pin(&other).await;
    assert_eq!(problem(of_another), Some(ProblemType::EnrolmentRefused));
    let birthday = citizen.person.birth_date.replace('-', "");
    let (year, day) = birthday.split_at(4);
    for known in [birthday.clone(), format!("{day}{year}")] {
        let refused = citizen.holder.reset_pin(&reproof(&citizen.person, &known)).await;
        assert_eq!(problem(refused), Some(ProblemType::PinUnacceptable), "{known}");
    }
    citizen
        .holder
        .reset_pin(&reproof(&citizen.person, NEW))
        .await
        .unwrap();
    citizen.holder.change_pin(&pin(NEW), &pin(PIN)).await.unwrap();
    let told = citizen.holder.alerts().await.unwrap();
    let kinds: Vec<_> = told.iter().map(|alert| alert.kind).collect();
    assert_eq!(kinds, [AlertKind::PinChanged, AlertKind::PinReset]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pin_is_changed_and_set_anew_at_a_shell() {
    let platform = TestPlatform::start().await;
    let folder = tempfile::tempdir().unwrap();
    let server = format!("--server {}", platform.url());
    let shell = |line: &str| shell(folder.path(), line);
    shell(&format!("holder enrol {server} --sandbox-person 1 --pin {PIN}")).unwrap();
    shell(&format!("holder pin change --pin {PIN} --new-pin {NEW}")).unwrap();
    assert!(shell(&format!("holder pin change --pin {PIN} --new-pin {NEW}")).is_err());
    assert!(shell(&format!("holder pin change --pin {NEW} --new-pin 12345678")).is_err());
    shell(&format!("holder pin reset --sandbox-person 1 --new-pin {PIN}")).unwrap();
    shell(&format!("holder pin change --pin {PIN} --new-pin {NEW}")).unwrap();
}

#[test]
fn the_same_with_the_keys_in_a_token() {
    journeys::on_a_token(&[
        "a_lock_outlives_the_process_and_fresh_evidence_lifts_it",
        "a_pin_is_changed_and_set_anew_at_a_shell",
    ]);
}
