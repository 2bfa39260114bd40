//! A fresh network number, for who signs for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use cyberid_domain::Rng;
use cyberid_domain::age::Threshold;
use cyberid_domain::clock::Clock as _;
use cyberid_domain::id::Nonce;
use cyberid_domain::rng::SystemRng;
use cyberid_domain::subject::SubjectStatus;
use cyberid_protocol::enrolment::{Enrolled, Me, number_commitment};
use cyberid_protocol::life::{DrawnNumber, MAX_LIFE, Renewed, Renumbering};
use cyberid_protocol::message::Message as _;
use cyberid_protocol::problem::ProblemType;
use cyberid_storage::life::Renumberings as _;
use cyberid_storage::official::NumberSalts as _;
use cyberid_storage::subject::Subjects as _;
use http::StatusCode;
use serde_json::json;

use super::applicant::Applicant;
use super::holder_peer::Fault;
use super::platform::{Answer, ISSUER, TestPlatform};
use crate::life::LifeError;

async fn draw(test: &TestPlatform, person: &Applicant) -> Answer {
    test.as_holder("POST", "/v1/me/network-number", &person.jkt(), None)
        .await
}

fn word(test: &TestPlatform, drawn: &DrawnNumber) -> Renumbering {
    let salt = cyberid_crypto::base64url::decode(&drawn.salt).unwrap();
    let iat = test.clock.now();
    Renumbering {
        aud: ISSUER.into(),
        number_commitment: number_commitment(&salt, &drawn.network_number),
        iat,
        exp: iat.plus(MAX_LIFE),
        jti: Nonce::random(&SystemRng),
    }
}

async fn take(test: &TestPlatform, person: &Applicant, word: &Renumbering) -> Answer {
    let signed = word.sign(&person.device).unwrap();
    let body = json!({"renumbering": signed}).to_string();
    test.post("/v1/me/network-number/confirm", body).await
}

async fn started() -> (TestPlatform, Applicant, Enrolled) {
    let test = TestPlatform::start_on_disk(Threshold::Fourteen).await;
    let alice = Applicant::new(1);
    let enrolled = test.enrol(&alice).await.json();
    (test, alice, enrolled)
}

#[tokio::test]
async fn a_holder_gets_a_fresh_number_that_both_key_holders_know_once_in_thirty_days() {
    let (test, alice, enrolled) = started().await;
    let drawn: DrawnNumber = draw(&test, &alice).await.json();
    assert_ne!(drawn.network_number, enrolled.network_number);
    let again: DrawnNumber = draw(&test, &alice).await.json();
    assert_eq!(
        again.network_number, drawn.network_number,
        "nobody draws until it pleases"
    );
    let renewed: Renewed = take(&test, &alice, &word(&test, &drawn)).await.json();
    assert_eq!(renewed.network_number, drawn.network_number);
    let me: Me = test.me(Some(&alice.jkt())).await.json();
    assert_eq!(me.network_number, drawn.network_number);

    let subject = test.db.by_device(&alice.jkt()).await.unwrap().unwrap().subject;
    let salt = test.db.number_salt(&subject).await.unwrap().unwrap();
    let commitment = number_commitment(&salt, &drawn.network_number);
    for key_holder in [&test.vault, &test.custodian] {
        assert_eq!(key_holder.records()[&subject].number_commitment, commitment);
    }
    test.clock.advance(30 * 86_400 - 1);
    assert_eq!(draw(&test, &alice).await.problem(), ProblemType::RateLimited);
    test.clock.advance(1);
    let next: DrawnNumber = draw(&test, &alice).await.json();
    assert_ne!(
        next.network_number, enrolled.network_number,
        "it is nobody's again"
    );
}

/// Chance that draws the number of ten zeros first.
#[derive(Default)]
struct ZerosFirst(AtomicBool);

impl Rng for ZerosFirst {
    fn fill(&self, out: &mut [u8]) {
        if out.len() == 10 && !self.0.swap(true, Ordering::SeqCst) {
            out.fill(0);
        } else {
            SystemRng.fill(out);
        }
    }
}

#[tokio::test]
async fn a_number_that_was_drawn_for_another_is_drawn_again() {
    let (mut test, alice, _) = started().await;
    let bob = Applicant::new(2);
    test.enrol(&bob).await;
    test.draw_from(Arc::new(ZerosFirst::default()));
    let hers: DrawnNumber = draw(&test, &alice).await.json();
    assert_eq!(hers.network_number, "0000000000".parse().unwrap());
    test.draw_from(Arc::new(ZerosFirst::default()));
    let his = draw(&test, &bob).await;
    assert_eq!(his.status, StatusCode::OK);
    let his: DrawnNumber = his.json();
    assert_ne!(his.network_number, hers.network_number);
    let again: DrawnNumber = draw(&test, &bob).await.json();
    assert_eq!(again.network_number, his.network_number, "it is kept for him");
}

#[tokio::test]
async fn only_the_holder_takes_the_drawn_number_and_no_other() {
    type Alter = fn(&mut Renumbering);
    let (test, alice, enrolled) = started().await;
    let bob = Applicant::new(2);
    test.enrol(&bob).await;
    let drawn: DrawnNumber = draw(&test, &alice).await.json();
    let alterations: [(&str, Alter); 3] = [
        ("another number", |it| {
            it.number_commitment = number_commitment(b"s", &"0000000000".parse().unwrap());
        }),
        ("another platform", |it| it.aud = "https://other.example".into()),
        ("too long", |it| it.exp = it.exp.plus(1)),
    ];
    for (why, alter) in alterations {
        let mut word = word(&test, &drawn);
        alter(&mut word);
        let answer = take(&test, &alice, &word).await;
        assert_eq!(answer.problem(), ProblemType::InvalidMessage, "{why}");
    }
    let stranger = take(&test, &bob, &word(&test, &drawn)).await;
    assert_eq!(stranger.problem(), ProblemType::NotFound);
    let me: Me = test.me(Some(&alice.jkt())).await.json();
    assert_eq!(me.network_number, enrolled.network_number);
    let subject = test.db.by_device(&alice.jkt()).await.unwrap().unwrap().subject;
    test.db
        .set_status(&subject, SubjectStatus::Suspended)
        .await
        .unwrap();
    let halted = take(&test, &alice, &word(&test, &drawn)).await;
    assert_eq!(halted.problem(), ProblemType::IdentifierInactive);
    assert_eq!(
        draw(&test, &alice).await.problem(),
        ProblemType::IdentifierInactive
    );
}

#[tokio::test]
async fn a_change_that_a_key_holder_missed_goes_on_by_itself() {
    for (at_vault, fault) in [
        (true, Fault::Refused),
        (true, Fault::LostDone),
        (false, Fault::LostNotDone),
    ] {
        let (mut test, alice, enrolled) = started().await;
        let drawn: DrawnNumber = draw(&test, &alice).await.json();
        let key_holder = if at_vault { &test.vault } else { &test.custodian };
        key_holder.fail("/v1/renumberings", fault, 1);
        let answer = take(&test, &alice, &word(&test, &drawn)).await;
        assert!(answer.status.is_server_error(), "{fault:?}");
        let me: Me = test.me(Some(&alice.jkt())).await.json();
        assert_eq!(me.network_number, enrolled.network_number);
        test.issuance = test.another_on_disk(Threshold::Fourteen);
        test.issuance.housekeep().await.unwrap();
        let me: Me = test.me(Some(&alice.jkt())).await.json();
        assert_eq!(me.network_number, drawn.network_number);
    }
}

/// The device whose word a key holder missed was revoked since: another one says it again.
#[tokio::test]
async fn a_later_word_takes_the_place_of_one_that_no_key_holder_takes_any_more() {
    let (test, alice, _) = started().await;
    let drawn: DrawnNumber = draw(&test, &alice).await.json();
    let subject = test.db.by_device(&alice.jkt()).await.unwrap().unwrap().subject;
    let lost = test.db.sign_renumbering(&subject, "a.word.of-a-revoked-device");
    assert!(lost.await.unwrap());
    let renewed: Renewed = take(&test, &alice, &word(&test, &drawn)).await.json();
    assert_eq!(renewed.network_number, drawn.network_number);
}

#[test]
fn a_refusal_for_being_early_says_how_often() {
    let error = LifeError::TooSoon(cyberid_domain::UnixTime(1));
    assert_eq!(error.to_string(), "a fresh number is given once in 30 days");
}
