//! Relying parties come to be, are halted, and change their keys.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use cyberid_crypto::{Agree as _, AgreementKey, Sign as _, SigningKey};
use cyberid_domain::check::Check;
use cyberid_domain::relying_party::RegistrationStatus;
use cyberid_keystore::role::Registration as RegistrationRole;
use cyberid_protocol::leaf::{Leaf, LeafKind};
use cyberid_protocol::message::{Message as _, open};
use cyberid_protocol::problem::ProblemType;
use cyberid_protocol::registration::{KeyChange, MAX_LIFE, Registered, RegistrationCertificate};
use cyberid_storage::promise::Promises as _;
use cyberid_storage::relying_party::RelyingParties as _;
use serde_json::{Value, json};

use crate::platform::{Client, ISSUER, Platform, START, at_once, new_key, registration};

#[tokio::test]
async fn a_second_operator_approves_and_each_use_is_certified() {
    let platform = Platform::start().await;
    let [alice, bob] = &platform.operators;
    let applied = platform
        .post("/v1/relying-parties", alice, registration(&new_key()))
        .await;
    let id = applied.expect::<Registered>(201).client_id;
    assert_eq!(applied.headers["location"], format!("/v1/relying-parties/{id}"));

    let refused = platform.act(alice, &id, "approve").await;
    assert_eq!(refused.problem(), ProblemType::TwoPersonsRequired);
    let path = format!("/v1/relying-parties/{id}");
    let unchanged: Registered = platform.get(&path, bob).await.expect(200);
    assert_eq!(unchanged.status, RegistrationStatus::Applied);

    let approved: Registered = platform.act(bob, &id, "approve").await.expect(200);
    assert_eq!(approved.status, RegistrationStatus::Approved);
    let key = platform.keys.signer::<RegistrationRole>().unwrap().public_key();
    let [first, second] = approved.registration_certificates.as_slice() else {
        panic!("one certificate for each use");
    };
    let first: RegistrationCertificate = open(first, &key).unwrap();
    let second: RegistrationCertificate = open(second, &key).unwrap();
    assert_eq!((&first.sub, first.exp.since(first.iat)), (&id, MAX_LIFE));
    assert_ne!(first.intended_use.purpose, second.intended_use.purpose);
}

#[tokio::test]
async fn an_approval_is_answered_only_with_its_leaf_in_the_log_and_can_be_asked_again() {
    let platform = Platform::start().await;
    let [alice, bob] = &platform.operators;
    let applied = platform
        .post("/v1/relying-parties", alice, registration(&new_key()))
        .await;
    let id = applied.expect::<Registered>(201).client_id;

    platform.logging.store(false, Ordering::SeqCst);
    let unplaced = platform.act(bob, &id, "approve").await;
    assert_eq!(unplaced.problem(), ProblemType::Unavailable);
    assert!(unplaced.headers.contains_key("retry-after"));
    let leaves = platform.db.outstanding(10).await.unwrap();
    let [promised] = leaves.as_slice() else {
        panic!("one leaf is promised: {leaves:?}");
    };
    let leaf = Leaf::from_text(&promised.body).unwrap();
    assert_eq!(
        (leaf.kind, leaf.rp.as_ref(), leaf.time),
        (LeafKind::RpRegistered, Some(&id), START)
    );
    assert!(leaf.registration_sha256.is_some());

    platform.logging.store(true, Ordering::SeqCst);
    let first: Registered = platform.act(bob, &id, "approve").await.expect(200);
    let again: Registered = platform.act(bob, &id, "approve").await.expect(200);
    assert_eq!(first, again);
    assert!(platform.db.outstanding(10).await.unwrap().is_empty());
}

#[tokio::test]
async fn only_operators_register_and_only_the_party_itself_reads_beside_them() {
    let platform = Platform::start().await;
    let (one, other) = (platform.relying_party().await, platform.relying_party().await);
    let answer = platform
        .post("/v1/relying-parties", &one, registration(&new_key()))
        .await;
    assert_eq!(answer.problem(), ProblemType::Forbidden);
    let answer = platform
        .post(
            "/v1/relying-parties",
            &platform.regulator,
            registration(&new_key()),
        )
        .await;
    assert_eq!(answer.problem(), ProblemType::Forbidden);
    for what in ["approve", "suspend"] {
        assert_eq!(
            platform.act(&one, &one.id, what).await.problem(),
            ProblemType::Forbidden
        );
    }
    let path = format!("/v1/relying-parties/{}", one.id);
    assert_eq!(
        platform
            .get(&path, &one)
            .await
            .expect::<Registered>(200)
            .client_id,
        one.id
    );
    assert_eq!(platform.get(&path, &other).await.problem(), ProblemType::NotFound);
}

#[tokio::test]
async fn a_suspension_takes_effect_at_once_and_is_in_the_log() {
    let platform = Platform::start().await;
    let (rp, citizen) = (platform.relying_party().await, platform.adult().await);
    let sealed = platform.seal(&citizen.device, &platform.proof(&rp, &[Check::RealPerson]), None);
    let waiting = platform
        .ask(
            &rp,
            json!({"purpose": "open-account", "checks": ["real_person"],
        "nonce": "AAAAAAAAAAAAAAAAAAAAAA"}),
        )
        .await;

    let suspended: Registered = platform
        .act(&platform.operators[0], &rp.id, "suspend")
        .await
        .expect(200);
    assert_eq!(suspended.status, RegistrationStatus::Suspended);
    let inactive = ProblemType::RelyingPartyInactive;
    assert_eq!(platform.direct(&rp, &sealed).await.problem(), inactive);
    let path = format!("/v1/verifications/{waiting}");
    assert_eq!(platform.get(&path, &rp).await.problem(), inactive);
    let fetched = platform.get_publicly(&format!("/v1/requests/{waiting}")).await;
    assert_eq!(fetched.problem(), inactive);
    let answered = platform.answer(&waiting, json!({"declined": true})).await;
    assert_eq!(answered.problem(), inactive);
    let revived = platform.act(&platform.operators[1], &rp.id, "approve").await;
    assert_eq!(revived.problem(), inactive);
    // Again is fine.
    platform
        .act(&platform.operators[1], &rp.id, "suspend")
        .await
        .expect::<Registered>(200);
}

#[tokio::test]
async fn a_registration_ends_after_its_twelve_months() {
    let platform = Platform::start().await;
    let rp = platform.relying_party().await;
    let body =
        json!({"purpose": "open-account", "checks": ["real_person"], "nonce": "AAAAAAAAAAAAAAAAAAAAAA"});
    platform.clock.advance(MAX_LIFE - 1);
    platform.ask(&rp, body.clone()).await;
    platform.clock.advance(1);
    let answer = platform.post("/v1/verifications", &rp, body).await;
    assert_eq!(answer.problem(), ProblemType::RelyingPartyInactive);
}

/// Every rule, broken alone.
#[tokio::test]
async fn a_registration_that_breaks_a_rule_is_refused_and_the_member_named() {
    let platform = Platform::start().await;
    let good = registration(&new_key());
    let twice = |pointer: &str| {
        let list = good.pointer(pointer).unwrap().as_array().unwrap();
        json!([list.as_slice(), list].concat())
    };
    let breaks = [
        ("/name", json!(""), "/name"),
        ("/name", json!("a\u{0}b"), "/name"),
        ("/name", json!("a".repeat(101)), "/name"),
        ("/domains", json!([]), "/domains"),
        ("/domains", twice("/domains"), "/domains"),
        ("/domains/1", json!("10.0.0.1"), "/domains/1"),
        ("/domains/1", json!("https://bank.example"), "/domains/1"),
        ("/contact", json!("  "), "/contact"),
        ("/deletion_contact", json!("a".repeat(301)), "/deletion_contact"),
        ("/intended_uses", json!([]), "/intended_uses"),
        ("/intended_uses", twice("/intended_uses"), "/intended_uses"),
        (
            "/intended_uses/1/purpose",
            json!("p".repeat(65)),
            "/intended_uses/1/purpose",
        ),
        ("/intended_uses/1/fields", json!([]), "/intended_uses/1"),
        (
            "/intended_uses/0/checks",
            json!(["real_person", "real_person"]),
            "/intended_uses/0/checks",
        ),
        (
            "/intended_uses/0/fields",
            json!(["name", "name"]),
            "/intended_uses/0/fields",
        ),
        (
            "/intended_uses/1/legal_basis",
            json!(""),
            "/intended_uses/1/legal_basis",
        ),
        (
            "/intended_uses/1/retention_days",
            json!(0),
            "/intended_uses/1/retention_days",
        ),
        (
            "/intended_uses/1/retention_days",
            json!(3651),
            "/intended_uses/1/retention_days",
        ),
        (
            "/intended_uses/1/notice_uri",
            json!("http://bank.example/"),
            "/intended_uses/1/notice_uri",
        ),
    ];
    for (pointer, value, member) in breaks {
        expect_broken(&platform, changed(&good, pointer, value), member).await;
    }
    let mut private = good.clone();
    private["events_uri"] = "https://192.168.1.1/events".into();
    expect_broken(&platform, private, "/events_uri").await;
    let answer = platform
        .post("/v1/relying-parties", &platform.operators[0], good)
        .await;
    assert_eq!(answer.status, 201);
}

#[tokio::test]
async fn keys_say_what_they_are_for_and_one_is_to_encrypt_to() {
    let platform = Platform::start().await;
    let good = registration(&new_key());
    let key = |at: usize| good["jwks"]["keys"][at].clone();
    let with = |at: usize, member: &str, value: &str| changed(&key(at), &format!("/{member}"), json!(value));
    let breaks = [
        ("/jwks/keys", json!([key(0)]), "/jwks"),
        ("/jwks/keys", json!([key(1)]), "/jwks"),
        ("/jwks/keys/0", with(1, "use", "sig"), "/jwks/keys/0"),
        ("/jwks/keys/0", with(0, "alg", "HS256"), "/jwks/keys/0"),
        ("/jwks/keys/0", with(0, "kid", "mine"), "/jwks/keys/0"),
        ("/jwks/keys/0", with(0, "use", "any"), "/jwks/keys/0"),
        ("/jwks/keys/0", with(0, "x", "AAAA"), "/jwks/keys/0"),
        ("/jwks/keys/1", key(0), "/jwks/keys/1"),
    ];
    for (pointer, value, member) in breaks {
        expect_broken(&platform, changed(&good, pointer, value), member).await;
    }
    let mut two_to_encrypt = good.clone();
    let another = AgreementKey::ephemeral()
        .unwrap()
        .public_key()
        .to_published_jwk("enc", "ECDH-ES");
    two_to_encrypt["jwks"]["keys"]
        .as_array_mut()
        .unwrap()
        .push(json!(another));
    expect_broken(&platform, two_to_encrypt, "/jwks").await;
}

fn changed(good: &Value, pointer: &str, value: Value) -> Value {
    let mut body = good.clone();
    *body.pointer_mut(pointer).unwrap() = value;
    body
}

async fn expect_broken(platform: &Platform, body: Value, member: &str) {
    let answer = platform
        .post("/v1/relying-parties", &platform.operators[0], body)
        .await;
    assert_eq!(answer.problem(), ProblemType::InvalidRegistration, "{member}");
    assert_eq!(answer.read::<Value>()["member"], member);
}

#[tokio::test]
async fn what_is_not_on_the_lists_is_no_registration() {
    let platform = Platform::start().await;
    for (pointer, value) in [
        ("/intended_uses/0/checks/0", json!("shoe_size")),
        ("/intended_uses/0/fields/0", json!("face")),
        ("/intended_uses/0/retention_days", json!("30")),
    ] {
        let mut body = registration(&new_key());
        *body.pointer_mut(pointer).unwrap() = value;
        let answer = platform
            .post("/v1/relying-parties", &platform.operators[0], body)
            .await;
        assert_eq!(answer.problem(), ProblemType::MalformedRequest, "{pointer}");
    }
}

#[tokio::test]
async fn keys_change_by_the_word_of_a_key_in_force() {
    let platform = Platform::start().await;
    let mut rp = platform.relying_party().await;
    let row = platform.db.relying_party(&rp.id).await.unwrap().unwrap();
    let (next, stranger) = (new_key(), new_key());
    let change = |key: &cyberid_crypto::SigningKey| {
        serde_json::from_value::<KeyChange>(json!({
            "aud": ISSUER, "iss": rp.id, "jwks": registration(key)["jwks"], "iat": START, "exp": START.plus(300)
        }))
        .unwrap()
    };
    let path = format!("/v1/relying-parties/{}/keys", rp.id);
    let send = async |message: &str| {
        platform
            .post_publicly(&path, json!({"key_change": message}))
            .await
    };

    let good = change(&next);
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
        assert_eq!(send(&message).await.problem(), ProblemType::InvalidMessage);
    }
    let mut keyless = good.clone();
    keyless.jwks.keys.pop();
    let keyless = keyless.sign(&rp.key).unwrap();
    assert_eq!(send(&keyless).await.problem(), ProblemType::InvalidRegistration);
    assert_eq!(platform.db.relying_party(&rp.id).await.unwrap().unwrap(), row);

    let message = good.sign(&rp.key).unwrap();
    let changed: Registered = send(&message).await.expect(200);
    assert_eq!(
        send(&message).await.expect::<Registered>(200),
        changed,
        "again is fine"
    );
    let after = platform.db.relying_party(&rp.id).await.unwrap().unwrap();
    assert_eq!((after.expires_at, after.certificates.len()), (row.expires_at, 2));
    assert_ne!(after.certificates, row.certificates);
    let late = change(&stranger).sign(&rp.key).unwrap();
    assert_eq!(
        send(&late).await.problem(),
        ProblemType::InvalidMessage,
        "the old key is out of force"
    );

    rp.key = next;
    platform.clock.advance(361);
    let expired = change(&new_key()).sign(&rp.key).unwrap();
    assert_eq!(send(&expired).await.problem(), ProblemType::ExpiredMessage);
    assert!(rp.key.kid() != stranger.kid());
}

/// A change by which `others` sign beside the relying party's own key, or instead of it.
fn key_change(rp: &Client, own: bool, others: &[&SigningKey]) -> Value {
    let mut jwks = registration(&rp.key)["jwks"].clone();
    let keys = jwks["keys"].as_array_mut().unwrap();
    if !own {
        keys.remove(0);
    }
    keys.extend(
        others
            .iter()
            .map(|key| json!(key.public_key().to_published_jwk("sig", "ES256"))),
    );
    let claims = json!({"aud": ISSUER, "iss": rp.id, "jwks": jwks, "iat": START, "exp": START.plus(300)});
    let change: KeyChange = serde_json::from_value(claims).unwrap();
    json!({"key_change": change.sign(&rp.key).unwrap()})
}

/// A message that keeps its own key in force does not undo what a later one did.
#[tokio::test]
async fn an_earlier_key_change_does_not_come_back() {
    let platform = Platform::start().await;
    let rp = platform.relying_party().await;
    let path = format!("/v1/relying-parties/{}/keys", rp.id);
    let (earlier, later) = (key_change(&rp, true, &[&new_key()]), key_change(&rp, true, &[]));
    platform
        .post_publicly(&path, earlier.clone())
        .await
        .expect::<Registered>(200);
    let last: Registered = platform.post_publicly(&path, later).await.expect(200);
    let again: Registered = platform.post_publicly(&path, earlier).await.expect(200);
    assert_eq!(again, last);
}

#[tokio::test]
async fn a_key_change_waits_for_its_leaf_and_can_be_sent_again() {
    let platform = Platform::start().await;
    let rp = platform.relying_party().await;
    let path = format!("/v1/relying-parties/{}/keys", rp.id);
    let change = key_change(&rp, false, &[&new_key()]);
    platform.logging.store(false, Ordering::SeqCst);
    let unplaced = platform.post_publicly(&path, change.clone()).await;
    assert_eq!(unplaced.problem(), ProblemType::Unavailable);
    platform.logging.store(true, Ordering::SeqCst);
    platform
        .post_publicly(&path, change)
        .await
        .expect::<Registered>(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_change_sent_many_times_at_once_is_made_once_and_answered_alike() {
    let platform = Arc::new(Platform::start().await);
    let rp = platform.relying_party().await;
    let path = format!("/v1/relying-parties/{}/keys", rp.id);
    let change = key_change(&rp, true, &[&new_key()]);
    let answers = at_once(10, || {
        let (platform, path, change) = (Arc::clone(&platform), path.clone(), change.clone());
        async move { platform.post_publicly(&path, change).await }
    })
    .await;
    let first: Registered = answers[0].expect(200);
    assert!(
        answers
            .iter()
            .all(|answer| answer.expect::<Registered>(200) == first)
    );
}
