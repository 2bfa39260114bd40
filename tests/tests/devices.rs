//! A second device, a lost one, and a recovery, against a real platform: by the holder's library and at a shell.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use std::sync::Arc;
use std::time::Duration;

use cyberid_client::ClientError;
use cyberid_domain::check::Check;
use cyberid_domain::clock::SystemClock;
use cyberid_domain::device::AlertKind;
use cyberid_domain::field::Field;
use cyberid_domain::pin::Pin;
use cyberid_domain::rng::SystemRng;
use cyberid_holder::{DeviceKey, Holder, HolderError, Platform, Reproof, ReviewedRequest, Tree};
use cyberid_protocol::enrolment::EnrolmentBody;
use cyberid_protocol::key_proof::KeyProof;
use cyberid_protocol::problem::ProblemType;
use cyberid_protocol::statement::Locale;
use cyberid_relying_party::{Ask, RelyingParty, RelyingPartyError, VerifiedOutcome};
use journeys::{Citizen, Granted, PIN, Person, Suite, TestPlatform, shell, verified_sub};
use serde_json::{Value, json};

journeys::in_each_suite!(who_lost_every_device_recovers_and_nothing_is_released_meanwhile);

/// How many try to enrol one person at once.
const PARALLEL: usize = 100;

/// A device that is nobody's yet.
async fn fresh_device(platform: &TestPlatform) -> (Holder, DeviceKey) {
    let (clock, rng) = (Arc::new(SystemClock), Arc::new(SystemRng));
    let platform = Platform::contact(platform.client.clone(), clock.clone())
        .await
        .unwrap();
    let key = DeviceKey::make_of(platform.suite(), &SystemRng).unwrap();
    let holder = Holder::resume(platform, Tree::default(), key.signer(), clock, rng).unwrap();
    (holder, key)
}

/// The same citizen at another device.
fn at(citizen: &Citizen, (holder, key): (Holder, DeviceKey)) -> Citizen {
    Citizen {
        holder,
        person: citizen.person.clone(),
        enrolled: citizen.enrolled.clone(),
        key,
    }
}

fn reproof(person: &Person, pin: &str) -> Reproof {
    let enrolment = person.enrolment();
    Reproof {
        document: enrolment.document,
        evidence: enrolment.evidence,
        pin: Pin::chosen(pin.into()).unwrap(),
    }
}

fn pin() -> Pin {
    Pin::entered(PIN.into()).unwrap()
}

fn problem<T>(answer: Result<T, HolderError>) -> Option<ProblemType> {
    match answer.err()? {
        HolderError::Client(error) => error.problem(),
        error => panic!("{error}"),
    }
}

/// What the holder's device answers when a relying party asks for their name.
async fn release(sub: &str, citizen: &Citizen, party: &RelyingParty) -> Option<ProblemType> {
    let asked = party
        .request_release(sub, "deliver", &[Field::Name])
        .await
        .unwrap();
    let uri = &asked.request_uri;
    let reviewed = citizen.holder.fetch_request(uri, Locale::English).await.unwrap();
    let ReviewedRequest::Release(reviewed) = reviewed else {
        panic!("another kind of request")
    };
    problem(citizen.holder.grant_release(&reviewed, &[Field::Name]).await)
}

/// Whether the device answers for a real person. One that is nobody's is given no token, so that it fetches no request; with
/// a token of before no request is open to it.
async fn passes(party: &RelyingParty, citizen: &Citizen) -> bool {
    let ask = Ask {
        purpose: "register".into(),
        checks: vec![Check::RealPerson],
        ..Ask::default()
    };
    let pending = party.request_verification(&ask).await.unwrap();
    match answered(&pending.request_uri, citizen).await {
        Ok(()) => {}
        Err(HolderError::Client(ClientError::TokenRefused { .. })) => return false,
        Err(HolderError::Client(error)) if error.problem() == Some(ProblemType::RequestClosed) => {
            return false;
        }
        Err(error) => panic!("{error}"),
    }
    let VerifiedOutcome::Attested(attestation) = party.wait(&pending).await.unwrap() else {
        panic!("no attestation")
    };
    attestation.passed().is_some()
}

async fn answered(uri: &str, citizen: &Citizen) -> Result<(), HolderError> {
    let reviewed = citizen.holder.fetch_request(uri, Locale::English).await?;
    let ReviewedRequest::Verification(reviewed) = reviewed else {
        panic!("another kind of request")
    };
    citizen.holder.answer_verification(&reviewed, None).await
}

#[tokio::test]
async fn a_second_device_verifies_at_once_and_releases_nothing_before_it_has_cooled_off() {
    let platform = TestPlatform::start().await;
    let (phone, party) = (platform.citizen(0).await, platform.relying_party().await);
    let sub = verified_sub(&party, &phone).await;
    let tablet = at(&phone, fresh_device(&platform).await);
    assert!(!passes(&party, &tablet).await, "it is nobody's yet");
    let request = tablet.holder.device_request().await.unwrap();
    let added = phone.holder.approve_device(&request, &pin()).await.unwrap();
    assert!(passes(&party, &tablet).await);
    assert_eq!(
        verified_sub(&party, &tablet).await,
        sub,
        "one person stays one account"
    );
    let cooling_off = Some(ProblemType::DeviceCoolingOff);
    assert_eq!(release(&sub, &tablet, &party).await, cooling_off);
    assert_eq!(release(&sub, &phone, &party).await, None);
    let devices = tablet.holder.devices().await.unwrap();
    assert_eq!(devices.len(), 2);
    let waits = devices.iter().find(|device| device.this).unwrap();
    assert_eq!(waits.release_from, Some(added.release_from));
    assert_eq!(added.release_from.since(waits.bound_at) / 3_600, 72);
    let told = phone.holder.alerts().await.unwrap();
    assert_eq!(told.first().map(|alert| alert.kind), Some(AlertKind::DeviceAdded));
}

#[tokio::test]
async fn a_lost_device_is_out_at_once_with_all_that_it_agreed_to() {
    let platform = TestPlatform::start_with("[issuance]\ndevice_cooling_off_hours = 0\n").await;
    let (phone, party) = (platform.citizen(0).await, platform.relying_party().await);
    let tablet = at(&phone, fresh_device(&platform).await);
    let request = tablet.holder.device_request().await.unwrap();
    phone.holder.approve_device(&request, &pin()).await.unwrap();
    let first = Granted::by(&tablet, &party, &[Field::Name]).await;
    party.redeem(&first.pending).await.unwrap();
    // Vault and custodian open the record for the second device, and then no more.
    let waiting = Granted::by(&tablet, &party, &[Field::Name]).await;
    let lost = tablet.holder.public_key().thumbprint();
    phone.holder.revoke_device(&lost).await.unwrap();
    let Err(RelyingPartyError::Client(refused)) = party.redeem(&waiting.pending).await else {
        panic!("redeemed")
    };
    assert_eq!(refused.problem(), Some(ProblemType::ReleaseNotGranted));
    assert!(
        !passes(&party, &tablet).await,
        "the holders in memory have forgotten it"
    );
    assert!(passes(&party, &phone).await);
    assert!(tablet.holder.me().await.is_err());
    let platform = platform.killed_and_restarted().await;
    assert!(!passes(&platform.relying_party().await, &tablet).await);
}

async fn who_lost_every_device_recovers_and_nothing_is_released_meanwhile(suite: Suite) {
    let platform = TestPlatform::start_in(suite).await;
    let (phone, party) = (platform.citizen(0).await, platform.relying_party().await);
    let sub = verified_sub(&party, &phone).await;
    let waiting = Granted::to(&sub, &phone, &party, &[Field::Name]).await;
    let fresh = at(&phone, fresh_device(&platform).await);
    let recovered = fresh
        .holder
        .recover(&reproof(&phone.person, "83620517"), true)
        .await
        .unwrap();
    assert_eq!(recovered.network_number, phone.enrolled.network_number);
    assert!(
        party.redeem(&waiting.pending).await.is_err(),
        "a thief's consent is worth nothing"
    );
    assert!(!passes(&party, &phone).await && passes(&party, &fresh).await);
    assert_eq!(verified_sub(&party, &fresh).await, sub);
    assert_eq!(
        release(&sub, &fresh, &party).await,
        Some(ProblemType::DeviceCoolingOff)
    );
    let told = fresh.holder.alerts().await.unwrap();
    let kinds: Vec<_> = told.iter().map(|alert| alert.kind).collect();
    assert_eq!(kinds, [AlertKind::DeviceRecovered, AlertKind::DeviceRevoked]);
    let another = fresh_device(&platform).await.0;
    let stranger = reproof(&platform.adult(5).await, "83620517");
    assert_eq!(
        problem(another.recover(&stranger, true).await),
        Some(ProblemType::EnrolmentRefused)
    );
}

/// T7: through real sockets, each with a device of its own.
#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_enrolments_of_one_person_at_once_are_one_identifier_and_one_refusal() {
    let platform = TestPlatform::start().await;
    let person = platform.adult(0).await;
    let mut bodies = Vec::new();
    for _ in 0..PARALLEL {
        let (holder, key) = fresh_device(&platform).await;
        let proof = holder.device_request().await.unwrap();
        bodies.push((enrolment(&person, &proof), holder, key));
    }
    let web = reqwest::Client::new();
    let calls: Vec<_> = bodies
        .iter()
        .map(|(body, ..)| tokio::spawn(answer(web.clone(), platform.url().to_owned(), body.clone())))
        .collect();
    let (mut refusals, mut enrolled) = (Vec::new(), Vec::new());
    for (call, (_, holder, _)) in calls.into_iter().zip(&bodies) {
        match call.await.unwrap() {
            (201, _) => enrolled.push(holder),
            refused => refusals.push(refused),
        }
    }
    assert_eq!((enrolled.len(), refusals.len()), (1, PARALLEL - 1));
    assert!(
        refusals
            .iter()
            .all(|refused| refused.0 == 422 && refused.1 == refusals[0].1)
    );
    // A stranger's refusal is the same, to the byte.
    let mut liar = platform.adult(1).await;
    liar.evidence.token = "bGll".into();
    let (holder, _) = fresh_device(&platform).await;
    let proof = holder.device_request().await.unwrap();
    let of_liar = answer(web.clone(), platform.url().to_owned(), enrolment(&liar, &proof)).await;
    assert_eq!(of_liar, refusals[0]);
    let told = enrolled[0].alerts().await.unwrap();
    assert!(told.iter().all(|alert| alert.kind == AlertKind::EnrolmentTried));
    // That was the hundredth: the rest of the hour this address is answered nothing.
    let proof = holder.device_request().await.unwrap();
    let metered = answer(web, platform.url().to_owned(), enrolment(&liar, &proof)).await;
    assert_eq!(metered.0, 429);
    let metrics = platform.client.get_bytes("/metrics").await.unwrap();
    let metrics = String::from_utf8(metrics).unwrap();
    assert!(metrics.contains("enrolment_guess_alarm 1"), "operators see it");
}

fn enrolment(person: &Person, key_proof: &str) -> Value {
    let body = json!({
        "document": {"type": person.document.kind, "name": person.document.name,
            "number": person.document.number, "valid_until": person.document.valid_until},
        "evidence": {"kind": person.evidence.kind, "token": person.evidence.token},
        "pin": PIN, "key_proof": key_proof, "locale": "en",
    });
    assert!(serde_json::from_value::<EnrolmentBody>(body.clone()).is_ok());
    assert!(KeyProof::open(key_proof).is_ok());
    body
}

async fn answer(web: reqwest::Client, url: String, body: Value) -> (u16, Vec<u8>) {
    let call = web.post(format!("{url}/v1/enrolments")).json(&body);
    let answer = call.timeout(Duration::from_mins(1)).send().await.unwrap();
    (answer.status().as_u16(), answer.bytes().await.unwrap().to_vec())
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_are_added_listed_revoked_and_recovered_at_a_shell() {
    let platform = TestPlatform::start().await;
    let folder = tempfile::tempdir().unwrap();
    let home = |name: &str| folder.path().join(name);
    let (phone, tablet, fresh) = (home("phone"), home("tablet"), home("fresh"));
    let server = format!("--server {}", platform.url());
    shell(
        &phone,
        &format!("holder enrol {server} --sandbox-person 1 --pin 52719406"),
    )
    .unwrap();
    let asked = shell(&tablet, &format!("holder device add {server}")).unwrap();
    let request = home("request.txt");
    std::fs::write(&request, asked["request"].as_str().unwrap()).unwrap();
    let approve = format!(
        "holder device approve --pin 52719406 --request {}",
        request.display()
    );
    let added = shell(&phone, &approve).unwrap();
    assert_eq!(added["thumbprint"], asked["thumbprint"]);
    let listed = shell(&tablet, "holder device list").unwrap();
    assert_eq!(listed["devices"].as_array().unwrap().len(), 2);
    assert_eq!(listed["alerts"][0]["kind"], "device_added");
    assert!(shell(&phone, &approve).is_err(), "a request is good for one use");
    let second = asked["thumbprint"].as_str().unwrap();
    let thumbprints = listed["devices"].as_array().unwrap().iter();
    let mut thumbprints = thumbprints.map(|device| device["thumbprint"].as_str().unwrap());
    let first = thumbprints.find(|one| *one != second).unwrap();
    assert!(
        shell(&tablet, &format!("holder device revoke {first}")).is_err(),
        "it cools off"
    );
    shell(&phone, &format!("holder device revoke {second}")).unwrap();
    assert!(shell(&tablet, "holder show").is_err());
    let recover = format!("holder recover {server} --sandbox-person 1 --pin 83620517");
    let recovered = shell(&fresh, &recover).unwrap();
    assert_eq!(recovered["status"], "active");
    assert!(shell(&phone, "holder show").is_err());
    assert_eq!(
        shell(&fresh, "holder show").unwrap()["network_number"],
        recovered["network_number"]
    );
}

#[test]
fn the_same_with_the_keys_in_a_token() {
    journeys::on_a_token(&[
        "nist::who_lost_every_device_recovers_and_nothing_is_released_meanwhile",
        "a_lost_device_is_out_at_once_with_all_that_it_agreed_to",
        "devices_are_added_listed_revoked_and_recovered_at_a_shell",
    ]);
}
