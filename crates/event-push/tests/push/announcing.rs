//! That a verification is over, told from memory.

use cyberid_domain::id::VerificationId;
use cyberid_domain::relying_party::RegistrationStatus;
use cyberid_domain::rng::SystemRng;
use cyberid_keystore::role;
use cyberid_protocol::event::{Concluded, Event, SecurityEvent};
use cyberid_protocol::message;
use serde_json::json;

use crate::receiver::{Manner, Receiver, claims};
use crate::stage::{ISSUER, NOW, Stage};

const CONCLUDED: &str = "urn:cyberid:event:verification-concluded";

fn verification() -> VerificationId {
    VerificationId::random(&SystemRng)
}

fn told(receiver: &Receiver) -> Vec<(String, String)> {
    let events = receiver.received();
    let events = events
        .iter()
        .map(|token| claims(token)["events"][CONCLUDED].clone());
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    events
        .map(|event| (text(&event["id"]), text(&event["status"])))
        .collect()
}

#[tokio::test]
async fn an_end_is_told_and_nothing_else() {
    let stage = Stage::set().await;
    let receiver = stage.receiver().await;
    let party = stage.party(&receiver).await;
    let (push, id) = (stage.push(), verification());
    push.concluded(&party, &id, Concluded::Passed);
    stage.clock.advance(1);
    push.pass().await;
    let key = stage.keys.signer::<role::Event>().unwrap().public_key();
    let event: SecurityEvent = message::open(&receiver.received()[0], &key).unwrap();
    assert_eq!((event.iss.as_str(), &event.aud, event.iat), (ISSUER, &party, NOW));
    let Event::VerificationConcluded(concluded) = event.events else {
        panic!("a verification")
    };
    assert_eq!((&concluded.id, concluded.status), (&id, Concluded::Passed));
    let payload = claims(&receiver.received()[0]);
    assert_eq!(
        payload["events"],
        json!({CONCLUDED: {"id": id, "status": "passed"}})
    );
    push.pass().await;
    assert_eq!(receiver.received().len(), 1);
}

#[tokio::test]
async fn what_nobody_answers_is_told_to_have_expired() {
    let stage = Stage::set().await;
    let receiver = stage.receiver().await;
    let party = stage.party(&receiver).await;
    let push = stage.push();
    let (open, answered) = (verification(), verification());
    for id in [&open, &answered] {
        push.asked(&party, id, NOW.plus(300));
    }
    push.concluded(&party, &answered, Concluded::Declined);
    for _ in 0..310 {
        push.pass().await;
        stage.clock.advance(1);
    }
    let expected = [(answered, "declined"), (open, "expired")];
    assert_eq!(
        told(&receiver),
        expected.map(|(id, status)| (id.as_str().to_owned(), status.to_owned()))
    );
}

#[tokio::test]
async fn an_end_is_told_again_under_the_same_name_and_not_forever() {
    let stage = Stage::set().await;
    let receiver = stage.receiver().await;
    let party = stage.party(&receiver).await;
    let push = stage.push();
    receiver.behave(Manner::Answer(503, String::new()));
    push.concluded(&party, &verification(), Concluded::Failed);
    for _ in 0..4 {
        push.pass().await;
        stage.clock.advance(60);
    }
    let names = receiver.names();
    assert!(
        names.len() > 2 && names.iter().all(|name| *name == names[0]),
        "{names:?}"
    );
    stage.clock.advance(600);
    receiver.behave(Manner::Accept);
    push.pass().await;
    assert_eq!(receiver.names().len(), names.len(), "its attestation is over");
    push.concluded(&party, &verification(), Concluded::Passed);
    stage.clock.advance(60);
    push.pass().await;
    assert_eq!(
        receiver.names().len(),
        names.len() + 1,
        "the next one comes through"
    );
}

#[tokio::test]
async fn the_feed_goes_first() {
    let stage = Stage::set().await;
    let receiver = stage.receiver().await;
    let party = stage.party(&receiver).await;
    let push = stage.push();
    push.concluded(&party, &verification(), Concluded::Passed);
    let happened = stage.happen(&party).await;
    push.pass().await;
    assert_eq!(receiver.names()[0], happened);
    assert_eq!((receiver.names().len(), receiver.most_at_once()), (2, 1));
}

#[tokio::test]
async fn who_registered_no_address_or_is_suspended_is_told_nothing() {
    let stage = Stage::set().await;
    let receiver = stage.receiver().await;
    let uri = format!("https://isp.example:{}/events", receiver.port);
    let none = stage.party_at(None, RegistrationStatus::Approved).await;
    let halted = stage.party_at(Some(&uri), RegistrationStatus::Suspended).await;
    let push = stage.push();
    for party in [&none, &halted] {
        push.asked(party, &verification(), NOW.plus(1));
        push.concluded(party, &verification(), Concluded::Passed);
    }
    for _ in 0..10 {
        push.pass().await;
        stage.clock.advance(1);
    }
    assert_eq!((stage.names.asked(), receiver.received().len()), (0, 0));
}
