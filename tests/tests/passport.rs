//! A passport's chip beside the evidence of its person, through the real executable: by the command line and over HTTP.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on must stop"
)]

use std::process::{Command, Output};
use std::sync::Arc;

use cyberid_domain::clock::SystemClock;
use cyberid_domain::document::DocumentType;
use cyberid_domain::personal::Personal;
use cyberid_domain::rng::SystemRng;
use cyberid_holder::{Holder, HolderError};
use cyberid_protocol::passport::ChipFiles;
use cyberid_protocol::problem::ProblemType;
use journeys::{Person, TestPlatform, executable};
use serde::Deserialize;
use serde_json::{Value, json};

const REQUIRED: &str = "[evidence]\npassport_chip = \"required\"\n";

/// The people of the sandbox.
#[derive(Deserialize)]
struct People {
    people: Vec<Person>,
}

/// Adults with a valid passport, each with their place in the list.
async fn travellers(platform: &TestPlatform) -> Vec<(usize, Person)> {
    let People { people } = platform.client.get("/sandbox/people?limit=200").await.unwrap();
    let travels = |person: &Person| {
        person.document.kind == DocumentType::Passport
            && *person.document.valid_until > *"2030"
            && *person.birth_date < *"2004"
    };
    let people = people.into_iter().enumerate();
    people.filter(|(_, person)| travels(person)).collect()
}

/// An adult with an identity card.
async fn resident(platform: &TestPlatform) -> Person {
    let People { people } = platform.client.get("/sandbox/people?limit=200").await.unwrap();
    let resides = |person: &Person| {
        person.document.kind == DocumentType::ResidentIdCard
            && *person.document.valid_until > *"2030"
            && *person.birth_date < *"2004"
    };
    people.into_iter().find(resides).unwrap()
}

/// The chip that Utopia makes for what a person states.
async fn chip(platform: &TestPlatform, person: &Person, number: &str) -> Value {
    let document = &person.document;
    let asked = json!({
        "document": {"type": "passport", "name": document.name, "number": number,
            "valid_until": document.valid_until},
        "birth_date": person.birth_date});
    platform.client.post("/sandbox/passports", &asked).await.unwrap()
}

fn files(chip: &Value) -> ChipFiles {
    let file = |name: &str| Personal::new(chip.get(name).unwrap().as_str().unwrap().to_owned());
    ChipFiles {
        sod: file("sod"),
        dg1: file("dg1"),
        dg2: Some(file("dg2")),
    }
}

/// What comes of enrolling this person with this chip.
async fn enrols(platform: &TestPlatform, person: &Person, chip: Option<ChipFiles>) -> Option<ProblemType> {
    let mut enrolment = person.enrolment();
    enrolment.evidence.chip = chip;
    let key = platform.device_key();
    let (clock, rng) = (Arc::new(SystemClock), Arc::new(SystemRng));
    let client = platform.client.clone();
    let holder = Holder::contact(client, key.signer(), clock, rng).await.unwrap();
    match holder.enrol(&enrolment).await {
        Ok(_) => None,
        Err(HolderError::Client(error)) => error.problem(),
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_passport_is_enrolled_with_its_own_chip_and_with_nothing_less() {
    let platform = TestPlatform::start_with(REQUIRED).await;
    let travellers = travellers(&platform).await;
    let [(_, one), (_, other), ..] = travellers.as_slice() else {
        panic!("too few passports")
    };
    let refused = Some(ProblemType::EnrolmentRefused);
    let own = chip(&platform, one, &one.document.number).await;
    let others = chip(&platform, other, &other.document.number).await;
    assert_eq!(enrols(&platform, one, None).await, refused, "without a chip");
    assert_eq!(
        enrols(&platform, one, Some(files(&others))).await,
        refused,
        "another's chip"
    );
    // The chip is right, and the face is another's: who holds a passport is not thereby its person.
    let mut thief = one.clone();
    thief.evidence = other.evidence.clone();
    assert_eq!(
        enrols(&platform, &thief, Some(files(&own))).await,
        refused,
        "another's face"
    );
    let mut swapped = own.clone();
    swapped["sod"] = others["sod"].clone();
    assert_eq!(
        enrols(&platform, one, Some(files(&swapped))).await,
        refused,
        "another's signature"
    );
    let mut elder = one.clone();
    elder.birth_date = "1901-01-01".into();
    let older = chip(&platform, &elder, &one.document.number).await;
    assert_eq!(
        enrols(&platform, one, Some(files(&older))).await,
        refused,
        "another birth"
    );
    // Whoever holds an identity card needs no chip, and shows none.
    let resident = resident(&platform).await;
    assert_eq!(enrols(&platform, &resident, Some(files(&own))).await, refused);
    assert_eq!(enrols(&platform, &resident, None).await, None);
    assert_eq!(enrols(&platform, one, Some(files(&own))).await, None);
    assert_eq!(enrols(&platform, one, Some(files(&own))).await, refused, "once");
}

fn run(home: &tempfile::TempDir, line: &str) -> Output {
    Command::new(executable())
        .args(line.split_whitespace())
        .env_clear()
        .env("HOME", home.path())
        .output()
        .unwrap()
}

#[tokio::test]
async fn a_chip_is_read_from_a_directory() {
    let platform = TestPlatform::start_with(REQUIRED).await;
    let (place, _) = travellers(&platform).await.remove(0);
    let (home, nth, url) = (tempfile::tempdir().unwrap(), place + 1, platform.url());
    let out = home.path().join("chip").display().to_string();
    let enrol = format!("holder enrol --server {url} --sandbox-person {nth} --pin 52719406 --json");
    assert!(!run(&home, &enrol).status.success(), "without its chip");
    let made = run(
        &home,
        &format!("holder passport --server {url} --sandbox-person {nth} --out {out}"),
    );
    assert!(made.status.success(), "{made:?}");
    let enrolled = run(&home, &format!("{enrol} --passport {out}"));
    assert!(enrolled.status.success(), "{enrolled:?}");
    let enrolled: Value = serde_json::from_slice(&enrolled.stdout).unwrap();
    assert_eq!(enrolled.get("status"), Some(&json!("active")));
}

/// Where somebody pins their own authorities, the sandbox's country is none of them; and nothing is pinned by accident.
#[tokio::test]
async fn whose_passports_count_is_pinned() {
    let sandbox = TestPlatform::start().await;
    let (_, traveller) = travellers(&sandbox).await.remove(0);
    assert_eq!(
        enrols(&sandbox, &traveller, None).await,
        None,
        "offered, and not shown"
    );
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(
        sandbox.data().join("sandbox/passports/utopia.cer"),
        folder.path().join("another.cer"),
    )
    .unwrap();
    let config = format!("[evidence]\ncsca = '{}'\n", folder.path().display());
    let platform = TestPlatform::start_with(&config).await;
    let (_, traveller) = travellers(&platform).await.remove(0);
    let own = chip(&platform, &traveller, &traveller.document.number).await;
    let refused = Some(ProblemType::EnrolmentRefused);
    assert_eq!(enrols(&platform, &traveller, Some(files(&own))).await, refused);
    assert_eq!(
        enrols(&platform, &traveller, None).await,
        refused,
        "a chip is needed where authorities are named"
    );
}

#[test]
fn the_same_with_the_keys_in_a_token() {
    journeys::on_a_token(&["a_passport_is_enrolled_with_its_own_chip_and_with_nothing_less"]);
}
