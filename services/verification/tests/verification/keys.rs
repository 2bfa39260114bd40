//! Keys change without downtime, by the word of a key in force, and not before they have cooled off.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use cyberid_crypto::{Sign as _, SigningKey};
use cyberid_domain::clock::Clock as _;
use cyberid_keystore::role::Registration as RegistrationRole;
use cyberid_protocol::leaf::LeafKind;
use cyberid_protocol::message::{Message as _, open};
use cyberid_protocol::problem::ProblemType;
use cyberid_protocol::registration::{KeyChange, Registered, RegistrationCertificate};
use cyberid_storage::relying_party::RelyingParties as _;
use serde_json::{Value, json};

use crate::platform::{Answer, COOLING_OFF, Client, ISSUER, Platform, START, at_once, new_key, registration};

fn path(rp: &Client) -> String {
    format!("/v1/relying-parties/{}/keys", rp.id)
}

/// A change of this moment: signed by `signer`, with `keys` to sign with from then on.
fn change(platform: &Platform, rp: &Client, keys: &[&SigningKey]) -> KeyChange {
    let mut jwks = registration(&rp.key)["jwks"].clone();
    let set = jwks["keys"].as_array_mut().unwrap();
    set.remove(0);
    set.extend(
        keys.iter()
            .map(|key| json!(key.public_key().to_published_jwk("sig", "ES256"))),
    );
    let now = platform.clock.now();
    let claims = json!({"aud": ISSUER, "iss": rp.id, "jwks": jwks, "iat": now, "exp": now.plus(300)});
    serde_json::from_value(claims).unwrap()
}

async fn send(platform: &Platform, rp: &Client, message: &str) -> Answer {
    platform
        .post_publicly(&path(rp), json!({ "key_change": message }))
        .await
}

/// Announces these signing keys by the relying party's own.
pub(crate) async fn announce(platform: &Platform, rp: &Client, keys: &[&SigningKey]) -> Registered {
    let message = change(platform, rp, keys).sign(&rp.key).unwrap();
    send(platform, rp, &message).await.expect(200)
}

/// The signing keys that a registration's first certificate names.
pub(crate) fn certified(platform: &Platform, registered: &Registered) -> Vec<String> {
    let key = platform.keys.signer::<RegistrationRole>().unwrap().public_key();
    let compact = &registered.registration_certificates[0];
    open::<RegistrationCertificate>(compact, &key).unwrap().sig_jkts
}

#[tokio::test]
async fn keys_change_by_the_word_of_a_key_in_force() {
    let platform = Platform::start().await;
    let rp = platform.relying_party().await;
    let row = platform.db.relying_party(&rp.id, START).await.unwrap().unwrap();
    let (next, stranger) = (new_key(), new_key());
    let good = change(&platform, &rp, &[&next]);
    let refused = [
        good.sign(&stranger).unwrap(),
        good.sign(&next).unwrap(),
        KeyChange {
            aud: "https://other.example".into(),
            ..good.clone()
        }
        .sign(&rp.key)
        .unwrap(),
        KeyChange {
            iss: platform.operators[0].id.clone(),
            ..good.clone()
        }
        .sign(&rp.key)
        .unwrap(),
        KeyChange {
            exp: START.plus(301),
            ..good.clone()
        }
        .sign(&rp.key)
        .unwrap(),
        "a.b.c".to_owned(),
    ];
    for message in refused {
        let answer = send(&platform, &rp, &message).await;
        assert_eq!(answer.problem(), ProblemType::InvalidMessage);
    }
    let mut keyless = good.clone();
    keyless.jwks.keys.pop();
    let keyless = keyless.sign(&rp.key).unwrap();
    let answer = send(&platform, &rp, &keyless).await;
    assert_eq!(answer.problem(), ProblemType::InvalidRegistration);
    let read = platform.db.relying_party(&rp.id, START).await.unwrap();
    assert_eq!(read, Some(row));

    let message = good.sign(&rp.key).unwrap();
    let waiting: Registered = send(&platform, &rp, &message).await.expect(200);
    let again: Registered = send(&platform, &rp, &message).await.expect(200);
    assert_eq!(again, waiting);
    platform.clock.advance(361);
    let late = send(&platform, &rp, &change_of(&good, &rp.key)).await;
    assert_eq!(late.problem(), ProblemType::ExpiredMessage);
}

/// The same change under a signature of its own: a message that was never sent.
fn change_of(good: &KeyChange, key: &SigningKey) -> String {
    let exp = good.exp.minus(1);
    KeyChange { exp, ..good.clone() }.sign(key).unwrap()
}

#[tokio::test]
async fn new_keys_are_in_force_when_they_have_cooled_off_and_not_a_second_before() {
    let platform = Platform::start().await;
    let rp = platform.relying_party().await;
    let before = platform.registered(&rp.id).await;
    let next = new_key();
    let waiting = announce(&platform, &rp, &[&next]).await;
    let keys = waiting.waiting_keys.clone().unwrap();
    assert_eq!(keys.in_force_at, START.plus(COOLING_OFF));
    assert_eq!(
        waiting.registration_certificates,
        before.registration_certificates
    );

    platform.clock.advance(COOLING_OFF - 1);
    let still = platform.registered(&rp.id).await;
    assert_eq!(certified(&platform, &still), [rp.key.kid()]);
    let early = change(&platform, &rp, &[&next]).sign(&next).unwrap();
    let answer = send(&platform, &rp, &early).await;
    assert_eq!(answer.problem(), ProblemType::InvalidMessage);

    // By the clock, whether anybody tidies up or not.
    platform.clock.advance(1);
    let after = platform.registered(&rp.id).await;
    assert_eq!(certified(&platform, &after), [next.kid()]);
    assert_eq!(
        (&after.waiting_keys, after.expires_at),
        (&None, before.expires_at)
    );
    let late = change(&platform, &rp, &[&next]).sign(&rp.key).unwrap();
    let answer = send(&platform, &rp, &late).await;
    assert_eq!(
        answer.problem(),
        ProblemType::InvalidMessage,
        "the old key is out"
    );
    let rp = Client { key: next, ..rp };
    announce(&platform, &rp, &[&new_key()]).await;
}

#[tokio::test]
async fn housekeeping_writes_down_what_is_in_force_already() {
    let platform = Platform::start().await;
    let rp = platform.relying_party().await;
    let next = new_key();
    announce(&platform, &rp, &[&next]).await;
    platform.service.housekeep().await.unwrap();
    assert!(platform.registered(&rp.id).await.waiting_keys.is_some());
    platform.clock.advance(COOLING_OFF);
    platform.service.housekeep().await.unwrap();
    // Read as of a moment at which only what is written counts.
    let written = platform.db.relying_party(&rp.id, START).await.unwrap().unwrap();
    assert!(written.waiting_keys.is_none() && written.registration.contains(next.kid()));
}

#[tokio::test]
async fn old_and_new_keys_overlap_as_the_relying_party_chooses() {
    let platform = Platform::start().await;
    let rp = platform.relying_party().await;
    let next = new_key();
    announce(&platform, &rp, &[&rp.key, &next]).await;
    platform.clock.advance(COOLING_OFF);
    let both = platform.registered(&rp.id).await;
    assert_eq!(certified(&platform, &both), [rp.key.kid(), next.kid()]);
    for key in [&rp.key, &next] {
        let message = change(&platform, &rp, &[&rp.key, &next, &new_key()])
            .sign(key)
            .unwrap();
        send(&platform, &rp, &message).await.expect::<Registered>(200);
    }
}

#[tokio::test]
async fn a_change_takes_the_place_of_one_that_waits_if_a_key_in_force_signs_it() {
    let platform = Platform::start().await;
    let rp = platform.relying_party().await;
    let (thief, own) = (new_key(), new_key());
    announce(&platform, &rp, &[&thief]).await;
    platform.clock.advance(COOLING_OFF - 1);
    let by_waiting = change(&platform, &rp, &[&thief]).sign(&thief).unwrap();
    let answer = send(&platform, &rp, &by_waiting).await;
    assert_eq!(answer.problem(), ProblemType::InvalidMessage);
    announce(&platform, &rp, &[&own]).await;
    // It cools off anew.
    platform.clock.advance(COOLING_OFF - 1);
    let still = platform.registered(&rp.id).await;
    assert_eq!(certified(&platform, &still), [rp.key.kid()]);
    platform.clock.advance(1);
    let after = platform.registered(&rp.id).await;
    assert_eq!(certified(&platform, &after), [own.kid()]);
}

#[tokio::test]
async fn an_operator_stops_a_thief_s_keys_and_the_log_says_so() {
    let platform = Platform::start().await;
    let (rp, other) = (platform.relying_party().await, platform.relying_party().await);
    announce(&platform, &rp, &[&new_key()]).await;
    for stranger in [&rp, &other, &platform.regulator] {
        let answer = platform.delete(&path(&rp), stranger).await;
        assert_eq!(answer.problem(), ProblemType::Forbidden);
    }
    let operator = &platform.operators[0];
    platform.logging.store(false, Ordering::SeqCst);
    let unplaced = platform.delete(&path(&rp), operator).await;
    assert_eq!(unplaced.problem(), ProblemType::Unavailable);
    let leaves = platform.unlogged().await;
    let kinds: Vec<_> = leaves.iter().map(|leaf| (leaf.kind, leaf.rp.as_ref())).collect();
    assert_eq!(kinds, [(LeafKind::RpKeyChanged, Some(&rp.id))]);
    platform.logging.store(true, Ordering::SeqCst);
    let cancelled: Registered = platform.delete(&path(&rp), operator).await.expect(200);
    assert_eq!(cancelled.waiting_keys, None);

    platform.clock.advance(COOLING_OFF);
    let after = platform.registered(&rp.id).await;
    assert_eq!(certified(&platform, &after), [rp.key.kid()]);
    let applicant = platform.applicant().await;
    let none = platform.delete(&path(&applicant), operator).await;
    assert_eq!(none.problem(), ProblemType::RelyingPartyInactive);
}

#[tokio::test]
async fn an_earlier_key_change_does_not_come_back() {
    let platform = Platform::start().await;
    let rp = platform.relying_party().await;
    let earlier = change(&platform, &rp, &[&rp.key, &new_key()])
        .sign(&rp.key)
        .unwrap();
    send(&platform, &rp, &earlier).await.expect::<Registered>(200);
    let last = announce(&platform, &rp, &[&rp.key]).await;
    let again: Registered = send(&platform, &rp, &earlier).await.expect(200);
    assert_eq!(again, last);
}

#[tokio::test]
async fn a_key_change_waits_for_its_leaf_and_can_be_sent_again() {
    let platform = Platform::start().await;
    let rp = platform.relying_party().await;
    let message = change(&platform, &rp, &[&new_key()]).sign(&rp.key).unwrap();
    platform.logging.store(false, Ordering::SeqCst);
    let unplaced = send(&platform, &rp, &message).await;
    assert_eq!(unplaced.problem(), ProblemType::Unavailable);
    platform.logging.store(true, Ordering::SeqCst);
    send(&platform, &rp, &message).await.expect::<Registered>(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_change_sent_many_times_at_once_is_made_once_and_answered_alike() {
    let platform = Arc::new(Platform::start().await);
    let rp = platform.relying_party().await;
    let message = change(&platform, &rp, &[&new_key()]).sign(&rp.key).unwrap();
    let body: Value = json!({ "key_change": message });
    let answers = at_once(10, || {
        let (platform, path, body) = (Arc::clone(&platform), path(&rp), body.clone());
        async move { platform.post_publicly(&path, body).await }
    })
    .await;
    let first: Registered = answers[0].expect(200);
    let alike = |answer: &Answer| answer.expect::<Registered>(200) == first;
    assert!(answers.iter().all(alike));
}
