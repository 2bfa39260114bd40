//! What the identity source tells of enrolled people, through a real platform: a death, a lost document, a new one, a
//! corrected name.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must stop"
)]

use std::process::Command;
use std::time::Duration;

use cyberid_client::Client;
use cyberid_domain::device::AlertKind;
use cyberid_domain::field::Field;
use cyberid_domain::pin::Pin;
use cyberid_domain::subject::{LifeReason, SubjectStatus};
use cyberid_holder::HolderError;
use cyberid_protocol::problem::ProblemType;
use cyberid_relying_party::RelyingParty;
use journeys::{Citizen, Granted, PIN, Person, TestPlatform, executable, passes, verified_sub};
use serde_json::{Value, json};

/// The platform asks every five seconds; this is many times as long.
const ROUNDS: usize = 300;

/// Lets something happen to a person at the sandbox's source; who they are from then on.
async fn happens(platform: &TestPlatform, person: &Person, happening: &str, name: Option<&str>) -> Person {
    let told: Value = platform.client.get("/sandbox/source").await.unwrap();
    let source = Client::new(told["url"].as_str().unwrap()).unwrap();
    let mut body =
        json!({"type": person.document.kind, "number": person.document.number, "happening": happening});
    if let Some(name) = name {
        body["name"] = name.into();
    }
    let happened: Value = source.post("/sandbox/happenings", &body).await.unwrap();
    serde_json::from_value(happened["person"].clone()).unwrap()
}

/// Waits until the holder has been told this once more than `before` times.
async fn told(citizen: &Citizen, kind: AlertKind, before: usize) {
    for _ in 0..ROUNDS {
        let alerts = citizen.holder.alerts().await.unwrap();
        if alerts.iter().filter(|alert| alert.kind == kind).count() > before {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the holder is not told {kind:?}")
}

async fn standing(citizen: &Citizen) -> (SubjectStatus, Vec<LifeReason>) {
    let me = citizen.holder.me().await.unwrap();
    (me.status, me.suspended_for)
}

/// The name that a release gives.
async fn released_name(party: &RelyingParty, citizen: &Citizen) -> String {
    let granted = Granted::by(citizen, party, &[Field::Name]).await;
    let released = party.redeem(&granted.pending).await.unwrap();
    released.field(Field::Name).unwrap().expose().to_owned()
}

fn problem<T: std::fmt::Debug>(answer: Result<T, HolderError>) -> Option<ProblemType> {
    match answer {
        Err(HolderError::Client(error)) => error.problem(),
        other => panic!("not refused by the platform: {other:?}"),
    }
}

async fn proves(citizen: &Citizen, person: &Person) -> Result<SubjectStatus, HolderError> {
    let stated = person.enrolment();
    let proved = citizen
        .holder
        .prove_document(&stated.document, &stated.evidence)
        .await?;
    Ok(proved.status)
}

/// How many leaves of a kind the regulator reads in the ledger, and what they say.
fn leaves(platform: &TestPlatform, kind: &str) -> (usize, String) {
    let home = tempfile::tempdir().unwrap();
    let (code, out, err) = shell(
        home.path(),
        &format!(
            "audit entries --server {} --sandbox --kind {kind} --json",
            platform.url()
        ),
    );
    assert_eq!(code, 0, "{err}");
    (out.lines().count(), out)
}

fn shell(home: &std::path::Path, line: &str) -> (i32, String, String) {
    let ran = Command::new(executable())
        .args(line.split_whitespace())
        .env_clear()
        .env("HOME", home)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (ran.status.code().unwrap(), text(ran.stdout), text(ran.stderr))
}

#[tokio::test]
async fn a_death_ends_an_identifier_for_ever_and_the_ledger_says_so_of_nobody() {
    let platform = TestPlatform::start().await;
    let (citizen, party) = (platform.citizen(0).await, platform.relying_party().await);
    let other = platform.citizen(1).await;
    assert!(passes(&party, &citizen).await);
    happens(&platform, &citizen.person, "died", None).await;
    told(&citizen, AlertKind::DeathReported, 0).await;

    assert_eq!(standing(&citizen).await.0, SubjectStatus::Deceased);
    assert!(!passes(&party, &citizen).await);
    assert!(passes(&party, &other).await, "nobody else is touched");
    assert_eq!(
        problem(proves(&citizen, &citizen.person).await),
        Some(ProblemType::IdentifierInactive)
    );
    let (ended, text) = leaves(&platform, "identity.ended");
    assert_eq!(ended, 1);
    assert!(text.contains("death"), "{text}");
    let said = [
        citizen.enrolled.network_number.to_string(),
        citizen.holder.public_key().thumbprint(),
        citizen.person.document.name.clone(),
    ];
    assert!(said.iter().all(|said| !text.contains(said.as_str())), "{text}");

    let platform = platform.killed_and_restarted().await;
    let party = platform.relying_party().await;
    assert!(!passes(&party, &citizen).await && passes(&party, &other).await);
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(leaves(&platform, "identity.ended").0, 1, "it is told once");
}

#[tokio::test]
async fn a_lost_document_suspends_until_a_valid_one_of_the_same_person_is_proved() {
    let platform = TestPlatform::start().await;
    let (citizen, party) = (platform.citizen(0).await, platform.relying_party().await);
    let sub = verified_sub(&party, &citizen).await;
    happens(&platform, &citizen.person, "document_lost", None).await;
    told(&citizen, AlertKind::DocumentInvalid, 0).await;
    let suspended = (SubjectStatus::Suspended, vec![LifeReason::Document]);
    assert_eq!(standing(&citizen).await, suspended);
    assert!(!passes(&party, &citizen).await);
    assert_eq!(leaves(&platform, "identity.suspended").0, 1);

    // The holder's own word lifts only the holder's own suspension.
    let pin = Pin::entered(PIN.into()).unwrap();
    citizen.holder.resume_identifier(&pin).await.unwrap();
    let refused = Some(ProblemType::EvidenceRefused);
    assert_eq!(
        problem(proves(&citizen, &citizen.person).await),
        refused,
        "the lost one"
    );
    let stranger = platform.adult(3).await;
    assert_eq!(
        problem(proves(&citizen, &stranger).await),
        refused,
        "a stranger's"
    );
    assert_eq!(standing(&citizen).await, suspended);

    let now = happens(&platform, &citizen.person, "document_renewed", None).await;
    told(&citizen, AlertKind::RecordReplaced, 0).await;
    assert_eq!(standing(&citizen).await, suspended, "it has to be proved");
    assert_eq!(proves(&citizen, &now).await.unwrap(), SubjectStatus::Active);
    assert_eq!(leaves(&platform, "identity.reinstated").0, 1);
    assert!(passes(&party, &citizen).await);
    assert_eq!(verified_sub(&party, &citizen).await, sub);
    assert_eq!(
        released_name(&party, &citizen).await,
        citizen.person.document.name
    );
}

#[tokio::test]
async fn a_corrected_name_is_what_is_released_and_nothing_else_changes() {
    let platform = TestPlatform::start().await;
    let (citizen, party) = (platform.citizen(0).await, platform.relying_party().await);
    let sub = verified_sub(&party, &citizen).await;
    let before = json!(citizen.holder.me().await.unwrap());
    assert_eq!(
        released_name(&party, &citizen).await,
        citizen.person.document.name
    );

    let now = happens(&platform, &citizen.person, "name_corrected", Some("欧阳娜娜")).await;
    assert_eq!(now.document.number, citizen.person.document.number);
    told(&citizen, AlertKind::RecordReplaced, 0).await;
    assert_eq!(released_name(&party, &citizen).await, "欧阳娜娜");
    assert_eq!(verified_sub(&party, &citizen).await, sub);
    assert_eq!(json!(citizen.holder.me().await.unwrap()), before);

    // The record of before is nowhere any more: the new one opens after a crash too.
    let platform = platform.killed_and_restarted().await;
    let party = platform.relying_party().await;
    assert_eq!(released_name(&party, &citizen).await, "欧阳娜娜");
}

#[tokio::test]
async fn a_renewed_document_is_the_persons_and_still_nobody_enrols_twice() {
    let platform = TestPlatform::start().await;
    let (citizen, party) = (platform.citizen(0).await, platform.relying_party().await);
    let sub = verified_sub(&party, &citizen).await;
    let now = happens(&platform, &citizen.person, "document_renewed", None).await;
    told(&citizen, AlertKind::RecordReplaced, 0).await;
    assert_eq!(standing(&citizen).await, (SubjectStatus::Active, vec![]));
    assert_eq!(verified_sub(&party, &citizen).await, sub);
    assert_eq!(
        released_name(&party, &citizen).await,
        citizen.person.document.name
    );
    assert_eq!(
        citizen.enrolled.network_number,
        citizen.holder.me().await.unwrap().network_number
    );

    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("now.json");
    let person = json!({
        "document": {"type": now.document.kind, "name": now.document.name, "number": now.document.number,
            "valid_until": now.document.valid_until},
        "evidence": {"kind": now.evidence.kind, "token": now.evidence.token},
    });
    std::fs::write(&file, person.to_string()).unwrap();
    let (code, out, err) = shell(
        home.path(),
        &format!(
            "holder enrol --server {} --person {} --pin 52719406",
            platform.url(),
            file.display()
        ),
    );
    assert_eq!(code, 1, "{out}");
    assert!(err.contains("enrolment-refused"), "{err}");
}

#[tokio::test]
async fn what_happens_to_people_is_tried_at_a_shell() {
    let platform = TestPlatform::start().await;
    let home = tempfile::tempdir().unwrap();
    let run = |line: &str| {
        let line = line.replace("URL", platform.url());
        let (code, out, err) = shell(home.path(), &format!("{line} --json"));
        assert_eq!(code, 0, "{line}: {err}");
        serde_json::from_str::<Value>(&out).unwrap()
    };
    let file = |name: &str, person: &Value| {
        let path = home.path().join(name);
        std::fs::write(&path, person.to_string()).unwrap();
        path.display().to_string()
    };
    let people: Value = platform.client.get("/sandbox/people?limit=1").await.unwrap();
    let person = file("person", &people["people"][0]);
    run(&format!(
        "holder enrol --server URL --person {person} --pin 52719406"
    ));
    run(&format!("source lose --server URL --person {person}"));
    let status = async |wanted: &str| {
        for _ in 0..ROUNDS / 10 {
            if run("holder status")["status"] == wanted {
                return;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        panic!("not {wanted}")
    };
    status("suspended").await;
    let renewed = run(&format!("source renew --server URL --person {person}"));
    let person = file("renewed", &renewed["person"]);
    let proved = run(&format!("holder document --person {person}"));
    assert_eq!(proved, json!({"status": "active", "suspended_for": []}));
    run(&format!("source rename Ω --server URL --person {person}"));
    let (_, words, _) = shell(
        home.path(),
        &format!("source die --server {} --person {person}", platform.url()),
    );
    assert!(words.contains("It happened"), "{words}");
    status("deceased").await;
    let (code, _, err) = shell(
        home.path(),
        &format!("source fault down --server {}", platform.url()),
    );
    assert_eq!(code, 1, "the sandbox's own source takes no faults: {err}");
}

#[test]
fn the_same_with_the_keys_in_a_token() {
    journeys::on_a_token(&[
        "a_corrected_name_is_what_is_released_and_nothing_else_changes",
        "what_happens_to_people_is_tried_at_a_shell",
    ]);
}
